import assert from "node:assert/strict";
import { test } from "node:test";
import { foldOptions, groupOptions, groupsOf, groupsValue, targetOptions } from "../../embviz/widgets/src/explorer/evaluation_form.js";
import { byDepth, placesOf } from "../../embviz/widgets/src/explorer/accuracy_by_depth.js";
import { endsOf } from "../../embviz/widgets/src/explorer/score_table.js";
import { isStale } from "../../embviz/widgets/src/explorer/evaluation_tab.js";

test("columns say what they hold, or why they cannot be predicted", () => {
  const [style, key] = targetOptions([
    { name: "style", title: "style", classes: 4, tracks: 1200, why: "" },
    { name: "key", title: "key", classes: 1, tracks: 3, why: "one class only" },
  ]);
  assert.deepEqual(style, { value: "style", label: "style (4 classes, 1,200 tracks)", disabled: false, group: "" });
  assert.deepEqual([key.label, key.disabled], ["key (one class only)", true]);
});

test("what is kept together is a column of any name, nothing, or left open", () => {
  const options = groupOptions([{ name: "none", title: "none" }, { name: "style", title: "style" }], "style");
  assert.deepEqual(
    options.map(({ value }) => value),
    ["", "none", "column:none"],
  );
  for (const groups of [null, false, "none", "artist"]) assert.equal(groupsOf(groupsValue(groups)), groups);
});

test("folds that code has chosen are offered, too", () => {
  const labels = (chosen) => foldOptions([{ name: "fold", title: "fold" }], chosen).map(({ label }) => label);
  assert.deepEqual(labels(5), ["3", "5", "10", "as in “fold”"]);
  assert.deepEqual(labels(4), ["3", "4", "5", "10", "as in “fold”"]);
  assert.deepEqual(labels("fold"), labels(5));
});

test("an interval has two ends or none", () => {
  assert.equal(endsOf({ low: 0.612, high: 0.7484 }), "61.2 – 74.8");
  assert.equal(endsOf({ low: -0.4, high: 0.2 }), "−40.0 to 20.0");
  assert.equal(endsOf({ low: null, high: null }), "");
});

test("layers lie along the depth of their model, where there are several", () => {
  const item = (model, depth, accuracy = 0.5) => ({ model, classifier: "mlp", depth, accuracy, low: 0.4, high: 0.6 });
  const items = [item("a", 2), item("b", 0), item("a", 0), item("a", 1, 1), item("b", 1), item("c", 3, null)];
  const [walk, ...others] = byDepth({ items });
  assert.deepEqual(
    walk.map(({ depth }) => depth),
    [0, 1, 2],
  );
  assert.equal(others.length, 0);
  const places = placesOf(walk);
  assert.ok(places[0].x < places[1].x && places[1].x < places[2].x);
  assert.ok(places[1].y < places[0].y && places[0].high < places[0].y && places[0].y < places[0].low);
});

test("scores of other choices are told from those of the present ones", () => {
  const choices = { target: "style", models: ["a"], layers: "all", groups: null, folds: 5, classifier: "mlp" };
  assert.equal(isStale({ ...choices }, choices), false);
  assert.equal(isStale({ ...choices, groups: false }, choices), true);
  assert.equal(isStale(undefined, choices), true);
});
