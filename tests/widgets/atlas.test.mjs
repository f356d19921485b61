import assert from "node:assert/strict";
import { test } from "node:test";
import { countText, filterPlace, toldByMap } from "../../embviz/widgets/src/atlas/atlas.js";
import { readings, tagText } from "../../embviz/widgets/src/atlas/cluster_lists.js";
import { counted, distanceOf, lengthInWords, momentOf, sorted } from "../../embviz/widgets/src/atlas/track_lists.js";
import { FIGURES, preliminary } from "../../embviz/widgets/src/atlas/map_pane.js";
import { FORMATS, matching, methodOptions, titleOf } from "../../embviz/widgets/src/atlas/atlas_toolbar.js";
import { differing, rangeOf, readOption } from "../../embviz/widgets/src/base/option_form.js";
import { placed } from "../../embviz/widgets/src/base/popover.js";
import { lineOf } from "../../embviz/widgets/src/base/row_list.js";

const METHODS = [
  { name: "umap", title: "UMAP", available: true },
  { name: "pacmap", title: "PaCMAP", available: false },
];

test("what runs is told once", () => {
  const running = { view: "", status: "running", stage: "embedding 19 of 41 tracks · 3 min left" };
  assert.ok(toldByMap(`MusiCNN (MSD): ${running.stage}`, [running]));
  assert.ok(!toldByMap("tempi: hearing 3 of 41", [running]));
  assert.ok(!toldByMap(`MusiCNN (MSD): ${running.stage}`, [{ ...running, view: "IPY_MODEL_1" }]));
  assert.ok(!toldByMap("saving: writing map.html", [{ view: "", status: "failed", stage: "" }]));
});

test("what there is", () => {
  assert.equal(countText({ tracks: 1 }), "1 track");
  assert.equal(countText({ tracks: 1240, points: 1240, duplicates: 1 }), "1,240 tracks · 1 duplicate");
  assert.equal(countText({ tracks: 20, points: 19 }), "20 tracks · 19 points");
  assert.equal(countText({ tracks: 20, points: 62000, duplicates: 0 }, "frames"), "20 tracks · 62,000 frames");
  assert.equal(counted(undefined, "file"), "0 files");
});

test("filters are seen together with one map or two, on a page and on a full screen", () => {
  const places = [1500, 1000, 800, 600].map((width) => filterPlace(width, false));
  assert.deepEqual(places, ["column", "column", "tab", "below"]);
  assert.deepEqual(
    [1900, 1500, 900, 600].map((width) => filterPlace(width, true)),
    ["column", "tab", "below", "below"],
  );
});

test("methods that are not installed say so", () => {
  assert.deepEqual(methodOptions(METHODS), [
    { value: "umap", label: "UMAP", disabled: false },
    { value: "pacmap", label: "PaCMAP (not installed)", disabled: true },
  ]);
});

test("colours are found by all words, in their own names or their group's", () => {
  const groups = [
    { title: "Columns", items: [{ key: "genre", title: "genre" }] },
    {
      title: "What MusiCNN hears",
      items: [
        { key: "a", title: "female vocals" },
        { key: "b", title: "piano" },
      ],
    },
  ];
  const keys = (query) => matching(groups, query).flatMap(({ items }) => items.map(({ key }) => key));
  assert.deepEqual(keys(""), ["genre", "a", "b"]);
  assert.deepEqual(keys("VOCALS hears"), ["a"]);
  assert.deepEqual(keys("musicnn"), ["a", "b"]);
  assert.deepEqual(keys("nothing"), []);
  assert.equal(titleOf(groups, "b"), "piano");
  assert.equal(titleOf(groups, "gone"), "gone");
});

test("every format is offered once", () => {
  const names = ["html", "png", "svg", "csv", "parquet", "m3u", "tensorboard"];
  assert.deepEqual(FORMATS.map(({ name }) => name).sort(), [...names].sort());
});

test("options are read as people write numbers", () => {
  const whole = { kind: "int", min: 2, max: 200, value: 15 };
  assert.deepEqual(readOption(whole, " 30 "), { value: 30 });
  assert.deepEqual(readOption({ kind: "float", min: 0, max: 1, value: 0 }, "0,25"), { value: 0.25 });
  assert.match(readOption(whole, "1.5").problem, /whole number/);
  assert.match(readOption(whole, "1").problem, /From 2 to 200/);
  assert.match(readOption(whole, "many").problem, /“many” is no number/);
  assert.match(readOption(whole, "").problem, /needed/);
  assert.deepEqual(readOption({ kind: "float", value: null }, ""), { value: null });
  assert.match(readOption({ kind: "int", min: 1, value: 3 }, "0").problem, /At least 1/);
  assert.match(readOption({ kind: "int", max: 9, value: 3 }, "10").problem, /At most 9/);
  assert.deepEqual(readOption({ kind: "choice" }, "pca"), { value: "pca" });
});

test("only what differs from what is recommended counts", () => {
  const options = [
    { name: "a", value: 1 },
    { name: "b", value: null },
    { name: "c", value: "x" },
  ];
  assert.deepEqual(differing(options, { a: 1, b: null, c: "x" }), {});
  assert.deepEqual(differing(options, { a: 2, b: 0, c: "x", unknown: 3 }), { a: 2, b: 0 });
  assert.equal(rangeOf({ kind: "int", min: 2, max: 9 }), "2 to 9");
  assert.equal(rangeOf({ kind: "int", min: 2 }), "2 or more");
  assert.equal(rangeOf({ kind: "int", max: 9 }), "up to 9");
  assert.equal(rangeOf({ kind: "choice" }), "");
});

test("what opens stays in the window, on the side with more room", () => {
  const view = { width: 1000, height: 800 };
  const button = { left: 100, right: 160, top: 40, bottom: 66 };
  assert.deepEqual(placed(button, { width: 300, height: 200 }, view), { left: 100, top: 70, room: 722 });
  const right = { left: 900, right: 960, top: 40, bottom: 66 };
  assert.equal(placed(right, { width: 300, height: 200 }, view).left, 692);
  const low = { left: 100, right: 160, top: 700, bottom: 726 };
  assert.deepEqual(placed(low, { width: 300, height: 200 }, view), { left: 100, top: 496, room: 688 });
  assert.equal(placed(low, { width: 2000, height: 2000 }, view).left, 8);
  assert.equal(placed(low, { width: 300, height: 2000 }, view).top, 8);
});

test("a map that stands in for another says for which", () => {
  const map = { preliminary: true, status: "running", facts: ["PCA · trustworthiness 0.8"] };
  assert.equal(preliminary(map, METHODS, "umap"), "PCA while UMAP runs");
  assert.equal(preliminary({ ...map, preliminary: false }, METHODS, "umap"), "");
  assert.equal(preliminary({ ...map, status: "cancelled" }, METHODS, "umap"), "");
  assert.match(preliminary({ ...map, facts: [] }, METHODS, "umap"), /the map before/);
  assert.match(preliminary({ ...map, facts: ["UMAP · x"] }, METHODS, "umap"), /the map before/);
  assert.deepEqual(
    FIGURES.map(([name]) => name),
    ["Trustworthiness", "Continuity", "Neighbours kept"],
  );
});

test("lengths and moments in words", () => {
  assert.equal(lengthInWords(0), "");
  assert.equal(lengthInWords(42.4), "42 s");
  assert.equal(lengthInWords(200), "3 min 20 s");
  assert.equal(lengthInWords(3600), "1 h");
  assert.equal(lengthInWords(3661), "1 h 1 min");
  assert.equal(momentOf({ at: null }), "");
  assert.equal(momentOf({}), "");
  assert.equal(momentOf({ at: 61.9 }), "at 1:01");
});

test("distances have the digits that tell", () => {
  assert.deepEqual([0.0213, 0.1, 3.14159, 1234.5, null, NaN].map(distanceOf), ["0.021", "0.100", "3.14", "1235", "", ""]);
});

test("rows are ordered, and what is not known comes last either way", () => {
  const rows = [{ t: "b10" }, { t: "" }, { t: "B9" }, { t: null }];
  assert.deepEqual(
    sorted(rows, "t", 1).map(({ t }) => t),
    ["B9", "b10", "", null],
  );
  assert.deepEqual(
    sorted(rows, "t", -1).map(({ t }) => t),
    ["b10", "B9", "", null],
  );
  const lengths = [{ s: 9 }, { s: null }, { s: 70 }];
  assert.deepEqual(
    sorted(lengths, "s", -1).map(({ s }) => s),
    [70, 9, null],
  );
});

test("names of items keep what turns directions inside", () => {
  assert.equal(lineOf({ title: "a\u202eb", artist: "c\nd" }), "ab – c d");
  assert.equal(lineOf({ title: "", artist: "c" }), "c");
});

test("tags that stand out tell by how much", () => {
  assert.equal(tagText({ tag: "piano", lift: 1.32 }), "piano +1.3");
  assert.equal(tagText({ tag: "piano", lift: null }), "piano");
});

test("a comparison is read out in words, whatever is not known", () => {
  const [cka, overlap, hubness] = readings({ cka: 0.714, overlap: 0.434, hubness: [0.8, null], k: 10 }, ["A", "B"]);
  assert.equal(cka.value, "0.71");
  assert.equal(overlap.value, "43 %");
  assert.match(overlap.words, /10 nearest/);
  assert.equal(hubness.value, "0.8 and –");
  assert.match(hubness.words, /^A and B: /);
  assert.equal(readings({ k: 5 }, [])[0].value, "–");
});
