import assert from "node:assert/strict";
import { test } from "node:test";
import { axesText, ticksOf } from "../../embviz/widgets/src/scatter/axes.js";
import { between, boxOf, closeTo, pushed, toMap, toScreen, viewOf, viewWithin, zoomedAt } from "../../embviz/widgets/src/scatter/camera.js";
import { hiddenAfter } from "../../embviz/widgets/src/scatter/map_legend.js";
import { linkOf } from "../../embviz/widgets/src/scatter/linked_maps.js";
import { MapData, diameters, fitting, opacityOf, shownShades } from "../../embviz/widgets/src/scatter/points.js";
import { Nearby, holds } from "../../embviz/widgets/src/scatter/spatial_index.js";
import { onTrail, placed } from "../../embviz/widgets/src/scatter/label_placement.js";
import { columnsFound, folded, matching } from "../../embviz/widgets/src/scatter/search.js";
import { stampsOf } from "../../embviz/widgets/src/scatter/canvas_renderer.js";

const SIZE = { width: 400, height: 200 };
const near = (a, b, by = 1e-9) => assert.ok(Math.abs(a - b) <= by, `${a} is not ${b}`);

function random(seed) {
  let state = seed;
  return () => ((state = (state * 1103515245 + 12345) % 2147483648) / 2147483648) * 2 - 1;
}

function scattered(n, seed = 1) {
  const next = random(seed);
  return Float32Array.from({ length: 2 * n }, next);
}

// -- camera --

test("a view shows its box in the middle, as large as it fits", () => {
  const view = viewOf([0, 0, 4, 1], SIZE, 20);
  assert.deepEqual([view.x, view.y], [2, 0.5]);
  near(view.k, 360 / 4);
  assert.deepEqual(toScreen(view, SIZE, 0, 0.5), [20, 100]);
  assert.deepEqual(toScreen(view, SIZE, 4, 0.5), [380, 100]);
});

test("up on the map is up on the screen", () => {
  const view = viewOf([-1, -1, 1, 1], SIZE);
  assert.ok(toScreen(view, SIZE, 0, 1)[1] < toScreen(view, SIZE, 0, -1)[1]);
});

test("the screen leads back to the map", () => {
  const view = { x: 0.3, y: -0.2, k: 123 };
  const [x, y] = toMap(view, SIZE, ...toScreen(view, SIZE, 0.7, 0.1));
  near(x, 0.7);
  near(y, 0.1);
});

test("what is zoomed at stays where it is", () => {
  const home = viewOf([-1, -1, 1, 1], SIZE);
  const before = toMap(home, SIZE, 300, 50);
  const after = toMap(zoomedAt(home, SIZE, 300, 50, 3, home), SIZE, 300, 50);
  near(before[0], after[0]);
  near(before[1], after[1]);
});

test("zoom and push have their limits", () => {
  const home = viewOf([-1, -1, 1, 1], SIZE);
  assert.ok(zoomedAt(home, SIZE, 0, 0, 1e-9, home).k >= home.k * 0.4);
  assert.ok(zoomedAt(home, SIZE, 0, 0, 1e9, home).k <= home.k * 4000);
  assert.ok(pushed(home, 1e9, 0, home).x >= home.x - 2);
});

test("points in one place have a view", () => {
  const xy = Float32Array.of(0.5, 0.5, 0.5, 0.5);
  const view = viewOf(boxOf(xy), SIZE);
  assert.ok(Number.isFinite(view.k) && view.k > 0);
  assert.deepEqual([view.x, view.y], [0.5, 0.5]);
  assert.deepEqual(boxOf(new Float32Array(0)), [-1, -1, 1, 1]);
});

test("a flight begins and ends where it should, and nears all the time", () => {
  const [from, to] = [{ x: 0, y: 0, k: 100 }, { x: 0.5, y: -0.5, k: 900 }];
  assert.deepEqual(between(from, to, 0), from);
  const end = between(from, to, 1);
  for (const name of ["x", "y", "k"]) near(end[name], to[name], 1e-6);
  const scales = [0, 0.25, 0.5, 0.75, 1].map((share) => between(from, to, share).k);
  assert.deepEqual(scales, [...scales].sort((a, b) => a - b));
  near(between(from, { x: 1, y: 0, k: 100 }, 0.5).x, 0.5);
});

test("close to a point is not nearer than is useful", () => {
  const home = viewOf([-1, -1, 1, 1], SIZE);
  near(closeTo([0.2, 0.2, 0.2, 0.2], home, SIZE).k, home.k * 2);
});

// -- nearby --

test("the nearest point is the nearest", () => {
  const xy = scattered(2000);
  const index = new Nearby(xy, boxOf(xy));
  const next = random(7);
  for (let round = 0; round < 200; round += 1) {
    const [x, y] = [next() * 1.2, next() * 1.2];
    let [best, least] = [-1, 0.05 ** 2];
    for (let i = 0; i < 2000; i += 1) {
      const apart = (xy[2 * i] - x) ** 2 + (xy[2 * i + 1] - y) ** 2;
      if (apart < least) [best, least] = [i, apart];
    }
    assert.equal(index.nearest(x, y, 0.05, () => true), best);
  }
});

test("what is hidden is never found", () => {
  const xy = Float32Array.of(0, 0, 0.1, 0, 0.2, 0);
  const index = new Nearby(xy, boxOf(xy));
  assert.equal(index.nearest(0.09, 0, 1, (i) => i !== 1), 0);
  assert.equal(index.nearest(0.09, 0, 1, () => false), -1);
  assert.equal(index.toward(0, 0, "right", 0, (i) => i !== 1), 2);
  assert.deepEqual([...index.inside([[-1, -1], [1, -1], [1, 1], [-1, 1]], (i) => i !== 1)], [0, 2]);
});

test("of points in one place, the one on top is found", () => {
  const xy = Float32Array.of(0.5, 0.5, 0.5, 0.5, 0.5, 0.5);
  assert.equal(new Nearby(xy, boxOf(xy)).nearest(0.5, 0.5, 0.1, () => true), 2);
});

test("a lasso holds what is inside, by the even-odd rule", () => {
  const notch = [[0, 0], [4, 0], [4, 4], [2, 1], [0, 4]];
  assert.ok(holds(notch, 0.5, 2));
  assert.ok(!holds(notch, 2, 3));
  assert.ok(!holds(notch, 5, 1));
  const xy = scattered(500, 3);
  const index = new Nearby(xy, boxOf(xy));
  const polygon = [[-0.5, -0.5], [0.8, -0.3], [0.2, 0.7]];
  const expected = [...Array(500).keys()].filter((i) => holds(polygon, xy[2 * i], xy[2 * i + 1]));
  assert.deepEqual([...index.inside(polygon, () => true)], expected);
  assert.equal(index.inside([[0, 0], [1, 1]], () => true).length, 0);
});

test("arrows lead to the next point in their direction, and back", () => {
  //     3
  // 1   0   2
  //     4
  const xy = Float32Array.of(0, 0, -1, 0.1, 1, 0, 0, 1, 0.1, -1);
  const index = new Nearby(xy, boxOf(xy));
  const go = (from, direction) => index.toward(xy[2 * from], xy[2 * from + 1], direction, from, () => true);
  assert.deepEqual(["left", "right", "up", "down"].map((way) => go(0, way)), [1, 2, 3, 4]);
  assert.equal(go(1, "right"), 0);
  assert.equal(go(2, "right"), -1);
});

// -- points --

function model(state) {
  const usual = { points: new Float32Array(0), columns: [], color: {}, hidden: [], window: [] };
  const all = { ...usual, ...state };
  return { get: (name) => all[name] };
}

const COLUMNS = [
  { name: "title", kind: "text", values: ["Ärger", "Blue"] },
  { name: "artist", kind: "text", values: ["Zoë", ""] },
];

test("frames know their track, their moment and what is said of them", () => {
  const data = new MapData(model({
    points: scattered(4), columns: COLUMNS,
    tracks: Uint32Array.of(1, 1, 0, 0), seconds: Float32Array.of(0.5, 61.25, 1, 2),
    color: { kind: "category", title: "genre", labels: ["rock", "jazz"], palette: ["#000000", "#111111"] },
    shades: Uint8Array.of(0, 255, 1, 0),
    size: { title: "spread", low: 0, high: 2, unit: "" }, sizes: Uint8Array.of(1, 0, 255, 128),
  }));
  assert.deepEqual(data.facts(2), { title: "Ärger", lines: ["Zoë", "at 0:01.0", "genre: jazz", "spread: 2"] });
  assert.deepEqual(data.facts(1).lines, ["at 1:01.3", "genre: unknown", "spread: unknown"]);
  assert.deepEqual(data.pointsOf(1), [0, 1]);
  assert.deepEqual([data.place(1, 3), data.place(2, 3)], [2, 1]);
  assert.deepEqual([...data.counts.slice(0, 2), data.counts[255]], [2, 1, 1]);
});

test("what a filter leaves out is not shown", () => {
  const data = new MapData(model({
    points: scattered(4), filtered: Uint8Array.of(1, 0, 1, 0),
    color: { kind: "category", labels: ["rock", "jazz"], palette: ["#000000", "#111111"] }, shades: Uint8Array.of(0, 0, 1, 1),
    hidden_categories: [1],
  }));
  assert.deepEqual(data.everyShown(), [0]);
  assert.equal(data.shownCount, 1);
  assert.equal(new MapData(model({ points: scattered(4), filtered: Uint8Array.of(1) })).filtered, null);
});

test("a category that a filter leaves out as a whole has no name on the map", () => {
  const color = { kind: "category", labels: ["rock", "jazz"], palette: ["#000000", "#111111"] };
  const shades = Uint8Array.of(0, 0, 1, 1);
  const named = (filtered) => new MapData(model({ points: scattered(4), color, shades, filtered })).names();
  assert.deepEqual(named(new Uint8Array(0)).map(({ text }) => text), ["rock", "jazz"]);
  assert.deepEqual(named(Uint8Array.of(1, 1, 0, 0)).map(({ text }) => text), ["rock"]);
});

test("points that lie over one another are clearer, and less so from near", () => {
  const density = (xy) => new Nearby(xy, boxOf(xy)).density();
  const [few, many] = [density(scattered(500)), density(scattered(50_000))];
  near(few / (500 / 4), 1, 0.2);
  assert.ok(many > 50 * few);
  assert.ok(opacityOf(many / 300 ** 2, 4) < opacityOf(few / 300 ** 2, 4));
  assert.ok(opacityOf(many / 300 ** 2, 4) < opacityOf(many / 3000 ** 2, 4));
  assert.equal(opacityOf(density(Float32Array.of(1, 1)), 9), 0.9);
  assert.equal(opacityOf(density(new Float32Array(2000)), 9), 0.25);
});

test("filters hide categories, or values outside of a window and unknown ones", () => {
  const category = shownShades({ kind: "category" }, [1, 255], []);
  assert.deepEqual([category[0], category[1], category[255]], [1, 0, 0]);
  const number = shownShades({ kind: "number", low: 0, high: 254 }, [3], [10, 20]);
  assert.deepEqual([9, 10, 20, 21, 255].map((shade) => number[shade]), [0, 1, 1, 0, 0]);
  assert.equal(shownShades({ kind: "number", low: 0, high: 1 }, [], [])[255], 1);
});

test("numbers are as precise as their range", () => {
  assert.equal(fitting(0.123456, 0, 1), "0.12");
  assert.equal(fitting(1987, 1960, 2020), "1987");
  assert.equal(fitting(-3.14159, -5, 5), "−3.1");
  assert.equal(fitting(5, 5, 5), "5");
});

test("more points are smaller, and grow as one comes nearer", () => {
  assert.ok(diameters(100, 1, null)[0] > diameters(100_000, 1, null)[0]);
  assert.ok(diameters(1000, 8, null)[0] > diameters(1000, 1, null)[0]);
  const sized = diameters(1000, 1, new Uint8Array(1));
  assert.equal(sized.length, 16);
  assert.deepEqual(sized, [...sized].sort((a, b) => a - b));
});

test("a stamp covers as much as its disc", () => {
  for (const diameter of [2, 4.5, 9]) {
    const { side, covers } = stampsOf(diameter);
    assert.equal(covers.length, 16);
    for (const cover of covers) {
      assert.equal(cover.length, side * side);
      near(cover.reduce((sum, part) => sum + part, 0) / 256, (Math.PI / 4) * diameter ** 2, 1 + diameter * 0.2);
    }
  }
});

test("a legend switches one category, or all others", () => {
  const all = [0, 1, 2, 255];
  assert.deepEqual(hiddenAfter([], 1, all, false), [1]);
  assert.deepEqual(hiddenAfter([1], 1, all, false), []);
  assert.deepEqual(hiddenAfter([], 1, all, true), [0, 2, 255]);
  assert.deepEqual(hiddenAfter([0, 2, 255], 1, all, true), []);
  assert.deepEqual(hiddenAfter([1], 1, all, true), [0, 2, 255]);
});

// -- search --

const TRACKS = [
  { kind: "text", values: ["Café del Mar", "Blue in Green", "Straße", "Ｆｕｌｌ width", null] },
  { kind: "text", values: ["Energy 52", "Bill Evans", "Björk", "", "Nobody"] },
  { kind: "number", values: [1993, 1959, 2004, null, 1959] },
];
const search = (query) => matching(TRACKS.map((column) => ({ ...column })), 5, query);

test("search forgives accents, capitals and widths", () => {
  assert.deepEqual(search("cafe"), [0]);
  assert.deepEqual(search("BJORK"), [2]);
  assert.deepEqual(search("full"), [3]);
  assert.equal(folded(" ÉÑ "), "en");
});

test("all words must be there, in any column; numbers must be equal", () => {
  assert.deepEqual(search("evans blue"), [1]);
  assert.deepEqual(search("evans mar"), []);
  assert.deepEqual(search("1959"), [1, 4]);
  assert.deepEqual(search("195"), []);
  assert.deepEqual(search("  "), []);
});

test("titles that begin with it come first, and what has it in one piece", () => {
  const columns = [{ kind: "text", values: ["red blue", "The blue red", "Blue red", "x blue red"] }];
  assert.deepEqual(matching(columns, 4, "blue red"), [2, 1, 3, 0]);
});

test("names keep off what covers the map, and out of the midst of other groups", () => {
  const near = { x: 300, y: 100, rx: 20, ry: 10, width: 60, height: 14 };
  const [usual] = placed([near], SIZE);
  const cover = [usual.x - 30, usual.y - 8, usual.x + 30, usual.y + 8];
  const [beside] = placed([near], SIZE, () => 0, [cover]);
  assert.notEqual(beside.y, usual.y);
  const other = { x: usual.x, y: usual.y, rx: 40, ry: 12, width: 60, height: 14 };
  const [, away] = placed([other, near], SIZE);
  assert.ok(away.y > near.y, "below its own points, as others lie above");
});

test("a title comes before other columns, and the column that holds the words is known", () => {
  const album = { name: "album", title: "Album", kind: "text", values: ["The Battle", "The Battle", "", "Songs"] };
  const year = { name: "year", title: "Year", kind: "number", values: [2005, 2007, null, 1] };
  const columns = [{ name: "title", kind: "text", values: ["Love", "Last Battle", "Battle", "Defeat"] }, album, year];
  assert.deepEqual(matching(columns, 4, "battle"), [2, 1, 0]);
  const names = (track, query) => columnsFound(columns, track, query).map(({ name }) => name);
  assert.deepEqual([0, 1, 2].map((track) => names(track, "battle")), [["album"], ["title", "album"], ["title"]]);
  assert.deepEqual(names(0, "2005"), ["year"]);
  assert.deepEqual(names(0, "love battle"), ["title", "album"]);
});

// -- what lies over --

test("the playhead walks between frames and rests at both ends", () => {
  const trail = Float32Array.of(0, 0, 1, 10, 0, 2, 10, 20, 4);
  assert.deepEqual(onTrail(trail, 0), { x: 0, y: 0, index: 0 });
  assert.deepEqual(onTrail(trail, 1.5), { x: 5, y: 0, index: 0 });
  assert.deepEqual(onTrail(trail, 3), { x: 10, y: 10, index: 1 });
  assert.deepEqual(onTrail(trail, 99), { x: 10, y: 20, index: 2 });
  assert.equal(onTrail(new Float32Array(0), 1), null);
});

test("names never lie over each other, and stay in the picture", () => {
  const labels = Array.from({ length: 20 }, () => ({ x: 200, y: 100, rx: 30, ry: 25, width: 80, height: 15 }));
  labels.push({ x: 5, y: 5, width: 80, height: 15 }, { x: -300, y: 5, width: 80, height: 15 });
  const spots = placed(labels, SIZE);
  const boxes = spots.filter(Boolean).map(({ x, y }) => [x - 40, y - 7.5, x + 40, y + 7.5]);
  assert.ok(boxes.length >= 4 && boxes.length < 20);
  boxes.forEach((a, i) => boxes.slice(i + 1).forEach((b) => {
    assert.ok(a[2] <= b[0] || b[2] <= a[0] || a[3] <= b[1] || b[3] <= a[1]);
  }));
  assert.ok(boxes.every((box) => box[0] >= 0 && box[1] >= 0 && box[2] <= 400 && box[3] <= 200));
  assert.equal(spots.at(-1), null);
  const [above, below] = spots;
  assert.ok(above.y + 7.5 < 100 && below.y - 7.5 > 100, "what is named is seen");
});

test("a name stands where it covers the fewest points, outside of what it names", () => {
  const label = { x: 200, y: 100, rx: 40, ry: 30, width: 60, height: 15 };
  // Of all sides, only the left one is free.
  const crowd = ([left, , right]) => (right < 165 ? 0 : left > 100 ? 50 : 20);
  const [spot] = placed([label], SIZE, crowd);
  assert.deepEqual([Math.round(spot.x), spot.y], [127, 100]);
  const [above] = placed([label], SIZE);
  assert.ok(above.y + 7.5 < 70);
});

test("maps of one name share pointer and selection, and tell who it was", () => {
  const [a, b] = [linkOf("shared"), linkOf("shared")];
  assert.equal(a, b);
  assert.notEqual(linkOf(""), linkOf(""));
  const heard = [];
  a.on("hover", (hover) => heard.push(hover?.track ?? null));
  a.on("selection", (tracks, by) => heard.push([[...tracks], by]));
  b.setHover({ track: 3, seconds: null, point: 9, by: "b" });
  b.setHover({ track: 3, seconds: null, point: 9, by: "b" });
  b.setHover(null);
  b.setSelection([1, 1, 2], "b");
  assert.deepEqual(heard, [3, null, [[1, 2], "b"]]);
});

// -- axes --

const NUMBER = { title: "bpm", unit: "BPM", kind: "number", low: 60, high: 180, labels: [], missing: 0 };

test("ticks are round numbers of a part that is seen, as precise as it is small", () => {
  const texts = (from, to, most) => ticksOf(NUMBER, from, to, most).map(({ text }) => text);
  assert.deepEqual(texts(60, 180, 6), ["60", "80", "100", "120", "140", "160", "180"]);
  assert.deepEqual(texts(119.9, 120.1, 4), ["119.90", "119.95", "120.00", "120.05", "120.10"]);
  assert.deepEqual(texts(-1, 1, 4), ["−1.0", "−0.5", "0.0", "0.5", "1.0"]);
  assert.deepEqual(texts(3, 3, 4), []);
});

test("ticks of dates are days, months or years", () => {
  const day = (text) => Date.parse(text) / 864e5;
  const texts = (from, to, most) => ticksOf({ ...NUMBER, kind: "date" }, day(from), day(to), most).map(({ text }) => text);
  assert.deepEqual(texts("2001-05-30", "2001-06-02", 5), ["2001-05-30", "2001-05-31", "2001-06-01", "2001-06-02"]);
  assert.deepEqual(texts("2001-01-15", "2001-12-20", 5), ["2001-04", "2001-07", "2001-10"]);
  assert.deepEqual(texts("1959-06-01", "2003-01-01", 5), ["1960", "1970", "1980", "1990", "2000"]);
});

test("ticks of categories are their names, fewer where there is no room", () => {
  const axis = { ...NUMBER, kind: "category", low: -0.5, high: 3.5, labels: ["a", "b", "c", "d"] };
  const texts = (from, to, most) => ticksOf(axis, from, to, most).map(({ text }) => text);
  assert.deepEqual(texts(-0.5, 3.5, 10), ["a", "b", "c", "d"]);
  assert.deepEqual(texts(-0.5, 3.5, 2), ["a", "c"]);
  assert.deepEqual(texts(0.6, 1.4, 10), ["b"]);
});

test("axes fill the picture, and come back from places to values", () => {
  const axes = [NUMBER, { ...NUMBER, title: "year", unit: "", low: 1900, high: 2000 }];
  const bytes = (array) => new DataView(array.buffer);
  const state = {
    points: bytes(Float32Array.of(-1, -1, 1, 1, 0, 0)), axes, placed: bytes(Uint8Array.of(1, 1, 0)),
    columns: [{ name: "title", values: ["a", "b", "c"] }],
  };
  const data = new MapData({ get: (name) => state[name] });
  const size = { width: 800, height: 400 };
  data.resize(size);
  const home = viewWithin(data.box, size, data.insets);
  const [left, bottom] = toScreen(home, size, ...data.at(0));
  const [right, top] = toScreen(home, size, ...data.at(1));
  near(left, data.insets.left, 1e-3);
  near(bottom, size.height - data.insets.bottom, 1e-3);
  near(right, size.width - data.insets.right, 1e-3);
  near(top, data.insets.top, 1e-3);
  assert.deepEqual(data.axisTexts(1), ["bpm: 180 BPM", "year: 2000"]);
  assert.deepEqual([0, 1, 2].map((i) => data.shown(i)), [true, true, false]);
  assert.equal(data.shownCount, 2);
  assert.match(axesText(axes), /x is .?bpm.? from 60 BPM to 180 BPM; y is/);
});
