/** Bins and counts of the columns that tracks are filtered by. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { columnsOf, maskOf } from "../../embviz/widgets/src/facets/atlas_facets.js";
import * as bins from "../../embviz/widgets/src/facets/bins.js";
import { Crossfilter } from "../../embviz/widgets/src/facets/crossfilter.js";

const { NaN: NOTHING } = Number;
const number = (key, numbers, unit = "") => ({
  facet: { key, title: key, kind: "number", unit, labels: [] },
  numbers: Float32Array.from(numbers),
});
const category = (key, numbers, labels) => ({
  facet: { key, title: key, kind: "category", unit: "", labels },
  numbers: Float32Array.from(numbers),
});
const binned = (numbers, unit = "") => bins.binsOf({ unit }, Float32Array.from(numbers));

/** A random number for each seed, as good as needed here. */
function* randoms(seed) {
  let state = seed;
  for (;;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state / 2 ** 32;
  }
}

test("every number has one bin, whose range holds it", () => {
  const random = randoms(7);
  const next = () => random.next().value;
  const kinds = [
    Array.from({ length: 500 }, () => 1950 + Math.floor(next() * 74)),
    Array.from({ length: 500 }, () => 20 + next() * 700),
    Array.from({ length: 500 }, () => next() ** 4),
    Array.from({ length: 500 }, () => (next() - 0.5) * 1e-5),
    [3, 3, 3],
    [0.25],
    [120],
    [-5, 5],
    [1e9, 2e9, 3e9],
  ];
  for (const numbers of kinds) {
    for (const unit of ["", "s"]) {
      const own = Float32Array.from([...numbers, NOTHING]);
      const made = bins.binsOf({ unit }, own);
      const places = bins.placesOf(own, made);
      assert.ok(made.count >= 1 && made.count <= 60, `${made.count} bins`);
      assert.equal(places.at(-1), made.count, "what is not known comes last");
      for (let i = 0; i < numbers.length; i += 1) {
        const [low, high] = bins.binRange(places[i], made);
        const slack = 1e-4 * made.width;
        assert.ok(own[i] >= low - slack && own[i] <= high + slack, `${own[i]} in ${low} … ${high}`);
      }
    }
  }
});

test("bins of years and of seconds are round", () => {
  const years = binned([1958, 1971, 1994, 2024]);
  assert.ok(years.whole && Number.isInteger(years.width) && years.low <= 1958 && years.high > 2024);
  assert.deepEqual(bins.binRange(0, { ...years, width: 5, low: 1955 }), [1958, 1959]);
  const lengths = binned([12.5, 180, 312.25, 700], "s");
  assert.equal(lengths.width, 30);
  assert.equal(bins.numberText(312.25, lengths), "5:12");
  assert.equal(bins.rangeText([180, 240], lengths), "3:00 – 4:00");
  assert.equal(bins.rangeText([80, 120], binned([60, 181.25], "BPM")), "80 – 120 BPM");
});

test("a number far out does not flatten all others", () => {
  const usual = Array.from({ length: 400 }, (_, i) => 60 + i);
  const made = binned([...usual, 36_000], "s");
  assert.ok(made.high < 700, `${made.high}`);
  assert.equal(made.most, 36_000);
  assert.equal(bins.numberAt(1, made), 36_000, "the end of the axis means all that lies beyond it");
  assert.equal(bins.placesOf(Float32Array.of(36_000), made)[0], made.count - 1);
});

test("a place on the axis and the range it means are one", () => {
  for (const made of [binned([1958, 2024]), binned([12.5, 700], "s"), binned([0, 1, 0.5])]) {
    for (const share of [0.1, 0.37, 0.5, 0.93]) {
      const value = bins.numberAt(share, made);
      const [from] = bins.stretchOf([value, made.most], made);
      assert.ok(Math.abs(from - share) <= Math.max(made.step, 1e-9) / (made.high - made.low), `${share} → ${from}`);
      assert.equal(bins.numberAt(from + 1e-9, made), value);
    }
    assert.deepEqual(bins.stretchOf([made.least, made.most], made), [0, 1]);
  }
});

test("each column is counted under the filters of all others", () => {
  const filter = new Crossfilter();
  filter.load(6, [
    number("year", [1990, 1990, 1995, 2000, 2000, NOTHING]),
    category("genre", [0, 1, 0, 0, 1, NOTHING], ["rock", "jazz"]),
  ]);
  const left = (key) => [...filter.columns.get(key).counts.left];
  const passing = () => [0, 1, 2, 3, 4, 5].filter((track) => filter.passes(track));
  assert.deepEqual([filter.left, filter.filtered], [6, false]);
  filter.filter({ genre: { values: ["rock"] } });
  assert.deepEqual(passing(), [0, 2, 3]);
  assert.deepEqual(left("genre"), [3, 2], "its own filter does not shorten its bars");
  assert.equal(filter.columns.get("genre").counts.unknownLeft, 1);
  assert.equal(left("year").reduce((a, b) => a + b), 3);
  filter.filter({ genre: { values: ["rock"] }, year: { range: [1990, 1995], unknown: true } });
  assert.deepEqual(passing(), [0, 2]);
  assert.deepEqual(left("genre"), [2, 1]);
  filter.filter({ genre: { values: [], unknown: true }, year: { range: null, unknown: true } });
  assert.deepEqual(passing(), [5]);
  filter.filter({ nowhere: { values: ["x"] }, genre: { values: ["gone"] } });
  assert.deepEqual([filter.left, filter.filtered], [6, false]);
});

test("counts are those of a plain count, whatever was filtered before", () => {
  const random = randoms(3);
  const next = () => random.next().value;
  const n = 300;
  const values = Array.from({ length: n }, () => (next() < 0.1 ? NOTHING : Math.floor(next() * 5)));
  const others = Array.from({ length: n }, () => (next() < 0.1 ? NOTHING : next()));
  const filter = new Crossfilter();
  filter.load(n, [category("a", values, ["u", "v", "w", "x", "y"]), number("b", others)]);
  for (let round = 0; round < 40; round += 1) {
    const [low, high] = [next(), next()].sort();
    const values_ = ["u", "v", "w", "x", "y"].filter(() => next() < 0.5);
    const unknown = next() < 0.5;
    filter.filter({ ...(next() < 0.8 && { b: { range: [low, high] } }), ...(next() < 0.8 && { a: { values: values_, unknown } }) });
    const given = { a: filter.columns.get("a").filter !== "", b: filter.columns.get("b").filter !== "" };
    const passA = (i) => !given.a || (Number.isNaN(values[i]) ? unknown : values_.includes("uvwxy"[values[i]]));
    const passB = (i) => !given.b || (Math.fround(others[i]) >= low && Math.fround(others[i]) <= high);
    const every = [...Array(n).keys()];
    assert.equal(filter.left, every.filter((i) => passA(i) && passB(i)).length);
    const counted = filter.columns.get("a").counts;
    assert.equal(counted.left[2], every.filter((i) => values[i] === 2 && passB(i)).length);
    assert.equal(counted.unknownLeft, every.filter((i) => Number.isNaN(values[i]) && passB(i)).length);
  }
});

test("columns stand one behind the other, and the mask of a map is by the places of its tracks", () => {
  const facets = [number("a", []).facet, number("b", []).facet];
  const [one, two] = columnsOf(facets, Float32Array.of(1, 2, 3, 4), 2);
  assert.deepEqual([[...one.numbers], [...two.numbers]], [[1, 2], [3, 4]]);
  assert.deepEqual(columnsOf(facets, Float32Array.of(1, 2, 3), 2), [], "what is not all there is not shown");
  assert.deepEqual([...maskOf(Uint32Array.of(2, 2, 0), (place) => place === 2)], [1, 1, 0]);
});
