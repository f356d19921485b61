import assert from "node:assert/strict";
import test from "node:test";

import {
  answersOf, layoutOf, movedTo, sentenceOf, shareOf, totalsOf,
} from "../../embviz/widgets/src/confusion/confusion.js";

const classes = ["rock", "metal", "jazz"];
const counts = [[27, 12, 1], [0, 1, 0], [0, 0, 0]];

test("rows add up to the tracks of a class, columns to the answers", () => {
  assert.deepEqual(totalsOf(counts), [40, 1, 0]);
  assert.deepEqual(answersOf(counts), [27, 13, 1]);
});

test("a cell says what it counts", () => {
  const said = (truth, answer) => sentenceOf(classes, counts, truth, answer);
  assert.equal(said(0, 1), "12 of 40 “rock” tracks were taken for “metal”");
  assert.equal(said(0, 2), "1 of 40 “rock” tracks was taken for “jazz”");
  assert.equal(said(0, 0), "27 of 40 “rock” tracks were recognised");
  assert.equal(said(1, 1), "1 of 1 “metal” track was recognised");
  assert.equal(said(1, 0), "No “metal” track was taken for “rock”");
  assert.equal(said(2, 0), "There are no “jazz” tracks");
  assert.equal(sentenceOf(["a\u202eb\nc"], [[2]], 0, 0), "2 of 2 “ab c” tracks were recognised");
});

test("a share is never rounded to none or to all", () => {
  assert.deepEqual([12, 0, 40].map((count) => shareOf(count, 40)), ["30 %", "0 %", "100 %"]);
  assert.equal(shareOf(1, 1000), "<1 %");
  assert.equal(shareOf(999, 1000), ">99 %");
  assert.equal(shareOf(0, 0), "–");
  assert.equal(shareOf(1, 3, ""), "33");
});

test("cells are as wide as there is room, names stand upright above narrow ones", () => {
  const wide = layoutOf(900, classes);
  assert.deepEqual([wide.cell, wide.upright, wide.roomy], [104, false, true]);
  const ten = layoutOf(900, Array.from({ length: 10 }, (_, i) => `engine idling ${i}`));
  assert.ok(ten.upright && ten.roomy && ten.cell < 75);
  const many = layoutOf(900, Array.from({ length: 50 }, (_, i) => `class ${i}`));
  assert.deepEqual([many.cell, many.upright, many.roomy], [32, true, false]);
  assert.ok(layoutOf(900, ["x".repeat(300)]).head <= 220);
  assert.ok(layoutOf(200, []).cell > 0);
});

test("arrow keys walk the cells and stop at the edge", () => {
  const to = (key, more = {}) => movedTo({ key, ...more }, 1, 1, 3);
  assert.deepEqual(to("ArrowDown"), [2, 1]);
  assert.deepEqual(to("ArrowLeft"), [1, 0]);
  assert.deepEqual(to("Home"), [1, 0]);
  assert.deepEqual(to("End", { ctrlKey: true }), [2, 2]);
  assert.deepEqual(to("PageUp"), [0, 1]);
  assert.deepEqual(movedTo({ key: "ArrowRight" }, 2, 2, 3), [2, 2]);
  for (const key of ["Enter", " ", "x"]) assert.equal(to(key), null);
  assert.equal(to("ArrowDown", { ctrlKey: true }), null);
  assert.equal(to("ArrowDown", { altKey: true }), null);
});
