import assert from "node:assert/strict";
import { test } from "node:test";
import { stopsOf } from "../../embviz/widgets/src/heatmap/axes.js";
import { colorAt, diverging, gradient, isDiverging, palette, stroke } from "../../embviz/widgets/src/base/colormaps.js";
import { lineOf } from "../../embviz/widgets/src/heatmap/pins.js";
import {
  Pyramid, cellAt, columnsOf, framesOf, keyOf, levelFor, paint, rowsAt, strongest, underPoint,
} from "../../embviz/widgets/src/base/raster.js";
import {
  formatValue, hoverLines, poolingText, roughValue, spanText, stopText,
} from "../../embviz/widgets/src/base/format.js";
import { cropOf } from "../../embviz/widgets/src/heatmap/crop.js";
import { isListed, measured, plain, rowLabels, rowsOf, usualHeight } from "../../embviz/widgets/src/base/labels.js";
import { lookups, scaleOf, cellValue, wordsOf, zeroPlace, zerosOf } from "../../embviz/widgets/src/base/color_scale.js";

const NONE = new Uint16Array(0);
// Twenty frames of thirty dimensions, none like another, so that a transposition is caught.
const [T, D] = [20, 30];
const CODES = Uint8Array.from({ length: D * T }, (_, i) => 1 + ((Math.floor(i / T) * 7 + (i % T) * 3) % 255));
const GRID = {
  sample_rate: 100, hop: 100, patch: 200, receptive_field: 300, start: -50, n_frames: T, n_samples: T * 100,
};
const UNIT = new Float32Array(2 * D).map((_, i) => i % 2);
// Each place is its own word, so that a picture can be read.
const WORDS = Uint32Array.from({ length: 256 }, (_, i) => i);

/** Paint a field the way the widget does. */
function picture(options) {
  const { codes, t, d, rows, view, grid, width, height, scale, ranges, ends } = {
    codes: CODES, t: T, d: D, grid: GRID, scale: "none", ranges: UNIT, ...options,
  };
  const zero = zeroPlace(ranges, scale, scale === "signed", ends);
  const zeros = zero ? zerosOf(ranges) : new Int32Array(d);
  const { from, step } = framesOf(grid, view, width);
  const k = levelFor(step);
  const level = new Pyramid(codes, d, t, zeros).level(k);
  const columns = columnsOf(from / 2 ** k, step / 2 ** k, level.t, width, 0.5 / 2 ** k);
  const out = new Uint32Array(width * height).fill(77);
  const colors = { tables: lookups(ranges, scale, ends), zero, words: WORDS };
  paint({ ...level, zeros }, rows ?? rowsOf(d, false, NONE), columns, colors, width, height, out);
  return (x, y) => out[y * width + x];
}

// -- rows --

test("numbers rise upwards, lists and permutations read downwards", () => {
  assert.deepEqual([...rowsOf(4, false, NONE)], [3, 2, 1, 0]);
  assert.deepEqual([...rowsOf(4, true, NONE)], [0, 1, 2, 3]);
  assert.deepEqual([...rowsOf(4, true, Uint16Array.of(2, 0, 3, 1))], [2, 0, 3, 1]);
  assert.deepEqual([...rowsOf(4, false, Uint16Array.of(2, 0))], [3, 2, 1, 0]);
});

test("labels are a list, unless they are rising numbers of one unit", () => {
  const tempi = Array.from({ length: 256 }, (_, i) => `${30 + i} BPM`);
  assert.equal(isListed([], "index"), false);
  assert.equal(isListed([], "cluster"), true);
  assert.equal(isListed(["rock", "pop"], "index"), true);
  assert.equal(isListed(tempi, "index"), false);
  assert.equal(isListed(tempi, "activity"), true);
  assert.deepEqual([measured(tempi).unit, measured(tempi).numbers[255]], ["BPM", 285]);
  assert.equal(measured(tempi.slice(0, 10)).unit, "BPM");
  assert.equal(measured(["1", "2", "3"]), null, "names of classes may be numbers");
  assert.equal(measured(["30 BPM"]), null);
  assert.equal(measured([...tempi].reverse()), null);
  assert.equal(measured([...tempi.slice(1), "rock"]), null);
});

test("every pixel has its rows, every row its pixels", () => {
  for (const [height, d] of [[300, 50], [256, 512], [300, 768], [7, 30], [30, 7], [1, 5]]) {
    const seen = new Set();
    for (let y = 0; y < height; y += 1) {
      const [first, stop] = rowsAt(y, height, d);
      assert.ok(first >= 0 && stop > first && stop <= d);
      for (let row = first; row < stop; row += 1) seen.add(row);
    }
    assert.equal(seen.size, d, `${d} rows in ${height} pixels`);
  }
  assert.deepEqual(rowsAt(0, 300, 50), [0, 1]);
  assert.deepEqual(rowsAt(299, 300, 50), [49, 50]);
  assert.deepEqual(rowsAt(3, 256, 512), [6, 8]);
});

test("plots have whole pixels per row, or whole rows per pixel", () => {
  for (const d of [1, 5, 30, 50, 200, 256, 320, 321, 512, 768, 2600]) {
    const height = usualHeight(d);
    assert.ok(height >= 120 && height <= 320, `${d}: ${height}`);
    if (d > 320) assert.equal(height, Math.ceil(d / Math.ceil(d / height)));
    else if (height > 120) assert.equal(height % d, 0);
  }
});

test("of up to 64 names, all have their room", () => {
  for (const d of [11, 27, 30, 50, 64]) {
    const height = usualHeight(d, true);
    const labels = Array.from({ length: d }, (_, i) => `tag ${i}`);
    assert.ok(height / d >= 11 && height / d <= 12, `${d}: ${height}`);
    assert.equal(rowLabels({ rows: rowsOf(d, true, NONE), labels, listed: true }, height).length, d);
  }
  assert.equal(usualHeight(256, true), usualHeight(256));
});

test("names stand at their rows, and are thinned where they would touch", () => {
  const labels = Array.from({ length: 50 }, (_, i) => `tag ${i}`);
  const field = { rows: rowsOf(50, true, NONE), labels, listed: true };
  assert.equal(rowLabels(field, 700).length, 50);
  assert.deepEqual(rowLabels(field, 700)[7], { row: 7, text: "tag 7" });
  const thin = rowLabels(field, 300);
  assert.ok(thin.every(({ row }, i) => !i || ((row - thin[i - 1].row) * 300) / 50 >= 11));
  assert.ok(thin.every(({ row, text }) => text === `tag ${row}`));
  const numbers = rowLabels({ rows: rowsOf(200, false, NONE), labels: [], listed: false }, 200);
  assert.deepEqual(numbers.find(({ text }) => text === "50"), { row: 149, text: "50" });
  const tempi = Array.from({ length: 256 }, (_, i) => `${30 + i} BPM`);
  const bpm = rowLabels({ rows: rowsOf(256, false, NONE), labels: tempi, listed: false }, 256);
  assert.deepEqual(bpm.find(({ text }) => text === "100"), { row: 255 - 70, text: "100" });
  assert.equal(rowLabels({ rows: rowsOf(1, false, NONE), labels: [], listed: false }, 120).length, 1);
});

test("bands stand at round frequencies between their centres", () => {
  const labels = Array.from({ length: 64 }, (_, i) => `${(155 * 1.0629 ** i).toFixed(1)} Hz`); // to 7.2 kHz
  const field = { rows: rowsOf(64, isListed(labels, "index"), NONE), labels, listed: isListed(labels, "index") };
  const ticks = rowLabels(field, 320);
  assert.deepEqual(
    ticks.map(({ text }) => text),
    ["200", "500", "1000", "2000", "5000"],
  );
  const { row } = ticks.find(({ text }) => text === "1000");
  const place = Math.log(1000 / 155) / Math.log(1.0629);
  assert.ok(Math.abs(63 - row - place) < 0.1, "between the bands of 973 and 1034 Hz");
  const low = rowLabels(field, 30);
  assert.deepEqual(low.map(({ text }) => text), ["200", "1000", "5000"].slice(-low.length), "the rounder ones stay");
});

test("a part of a scale is shown between two typed ends", () => {
  const bpms = [30, 31, 32, 33];
  assert.deepEqual(cropOf(bpms, 31, 32), [31, 32]);
  assert.deepEqual(cropOf(bpms, 32, 31), [31, 32]);
  assert.deepEqual(cropOf(bpms, 0, 500), []);
  assert.equal(cropOf(bpms, 31.2, 31.4), null);
  assert.equal(cropOf(bpms, Number.NaN, 32), null);
});

// -- columns --

test("cells lie between the true borders of their frames", () => {
  // Frame 0 is centred at half a second; a frame each second; ten pixels each.
  const { from, step } = framesOf(GRID, [0, 20], 200);
  const { first, stop } = columnsOf(from, step, T, 200);
  assert.deepEqual([first[0], first[9], first[10], first[199]], [0, 0, 1, 19]);
  assert.ok(stop.every((end, x) => end === first[x] + 1));
});

test("what no frame covers stays empty", () => {
  const late = { ...GRID, start: 250 };
  const { from, step } = framesOf(late, [0, 30], 300);
  const { first, stop, left, right } = columnsOf(from, step, T, 300);
  assert.deepEqual([left, right], [30, 230]);
  assert.equal(stop[29] - first[29], 0);
  assert.equal(stop[30] - first[30], 1);
  assert.equal(stop[230] - first[230], 0);
  const away = columnsOf(...Object.values(framesOf(late, [25, 28], 300)), T, 300);
  assert.equal(away.right - away.left, 0);
});

test("where frames are denser than pixels, each belongs to exactly one pixel", () => {
  for (const [count, width, from] of [[22500, 800, 0], [1000, 999, -3.3], [77, 10, 0.25]]) {
    const { first, stop } = columnsOf(from, (count - from) / width, count, width);
    let next = first.find((_, x) => stop[x] > first[x]);
    for (let x = 0; x < width; x += 1) {
      if (stop[x] === first[x]) continue;
      assert.equal(first[x], next);
      next = stop[x];
    }
    assert.equal(next, count);
  }
});

// -- pooling --

test("the strongest of a run is the farthest from zero, and never an empty cell", () => {
  const codes = Uint8Array.of(0, 100, 140, 30, 0);
  assert.equal(strongest(codes, 0, 5, 0), 140);
  assert.equal(strongest(codes, 0, 5, 128), 30);
  assert.equal(strongest(codes, 0, 3, 128), 100);
  assert.equal(strongest(codes, 0, 5, 256), 30);
  assert.equal(strongest(codes, 0, 1, 128), 0);
  assert.equal(strongest(codes, 2, 2, 0), 0);
  assert.ok(keyOf(128, 128) > 0, "a cell that is zero still stands before an empty one");
});

test("zero has its code in each dimension", () => {
  assert.deepEqual([...zerosOf(Float32Array.of(-1, 1, 2, 3, -5, -4, 7, 7))], [128, 0, 256, 0]);
});

test("coarser levels keep what is strongest, also of an odd last frame", () => {
  const codes = Uint8Array.of(5, 9, 0, 0, 7, 200, 10, 128, 0, 1);
  const pyramid = new Pyramid(codes, 2, 5, Int32Array.of(0, 128));
  assert.deepEqual([...pyramid.level(1).codes], [9, 0, 7, 10, 128, 1]);
  assert.deepEqual([...pyramid.level(2).codes], [9, 7, 10, 1]);
  assert.deepEqual([...pyramid.level(3).codes], [9, 1]);
  assert.equal(pyramid.level(3).t, 1);
});

test("a level's cells are never coarser than half a pixel", () => {
  for (const step of [0.1, 1, 3.9, 4, 7, 8, 21, 100, 5000]) {
    assert.ok(levelFor(step) === 0 || 2 ** levelFor(step) <= step / 2);
    assert.ok(step / 2 ** levelFor(step) < 4);
  }
});

test("a spike of one frame among 22,500 is seen in 800 pixels, wherever it is", () => {
  for (const frame of [0, 1, 11249, 13337, 22499]) {
    for (const [scale, base, spike] of [["none", 3, 255], ["signed", 128, 1]]) {
      const codes = new Uint8Array(2 * 22500).fill(base);
      codes[22500 + frame] = spike;
      const grid = { ...GRID, start: -50, n_frames: 22500, n_samples: 2250000 };
      const ranges = scale === "signed" ? Float32Array.of(-1, 1, -1, 1) : Float32Array.of(0, 1, 0, 1);
      const at = picture({ codes, t: 22500, d: 2, view: [0, 22500], grid, width: 800, height: 2, scale, ranges });
      const hits = Array.from({ length: 800 }, (_, x) => x).filter((x) => at(x, 0) === spike);
      assert.equal(hits.length, 1);
      assert.ok(Math.abs(hits[0] - ((frame + 0.5) / 22500) * 800) <= 1, `frame ${frame} at pixel ${hits[0]}`);
      assert.equal(at(hits[0], 1), base);
    }
  }
});

test("where dimensions are denser than pixels, the strongest of them is seen", () => {
  const codes = new Uint8Array(90 * T).fill(100);
  codes[40 * T + 6] = 240;
  const ranges = new Float32Array(180).map((_, i) => i % 2);
  const at = picture({ codes, d: 90, ranges, view: [0, 20], width: 20, height: 30 });
  const row = Math.floor((89 - 40) / 3);
  assert.equal(at(6, row), 240);
  assert.deepEqual([at(5, row), at(6, row - 1), at(6, row + 1)], [100, 100, 100]);
});

// -- pictures --

test("a picture has its cells where they belong", () => {
  const at = picture({ view: [0, 20], width: 60, height: 90 });
  for (const [dimension, frame] of [[0, 0], [29, 19], [7, 3], [3, 7]]) {
    assert.equal(at(frame * 3 + 1, (D - 1 - dimension) * 3 + 1), CODES[dimension * T + frame]);
  }
});

test("a zoomed picture shows its stretch of time", () => {
  const at = picture({ view: [5, 10], width: 50, height: 30 });
  assert.equal(at(0, 0), CODES[29 * T + 5]);
  assert.equal(at(49, 29), CODES[9]);
});

test("rows follow an order", () => {
  const rows = Uint16Array.from({ length: D }, (_, i) => (i * 7) % D);
  const at = picture({ rows, view: [0, 20], width: 20, height: 30 });
  for (const row of [0, 1, 11, 29]) assert.equal(at(4, row), CODES[((row * 7) % D) * T + 4]);
});

test("empty cells, and what lies outside the frames, are no colour", () => {
  const codes = CODES.slice();
  codes[2 * T + 5] = 0;
  const at = picture({ codes, view: [-5, 25], width: 30, height: 30 });
  assert.equal(at(10, 27), 0);
  assert.notEqual(at(11, 27), 0);
  assert.deepEqual([at(4, 3), at(25, 3), at(29, 29)], [0, 0, 0]);
});

// -- colour --

test("scales say what the ends of the colour bar mean", () => {
  const ranges = Float32Array.of(-1, 2, NaN, NaN, 0, 8);
  const whole = { below: false, above: false };
  assert.deepEqual(scaleOf(ranges, "none"), { low: -1, high: 8, map: "viridis", ...whole });
  assert.deepEqual(scaleOf(ranges, "signed"), { low: -8, high: 8, map: "balance", ...whole });
  assert.deepEqual(scaleOf(ranges, "minmax"), { low: 0, high: 1, map: "viridis", ...whole });
  assert.deepEqual(scaleOf(Float32Array.of(NaN, NaN), "none"), { low: 0, high: 1, map: "viridis", ...whole });
});

test("colours may end before the values do, and say so at that end", () => {
  const ranges = Float32Array.of(-1, 2, NaN, NaN, 0, 8);
  const none = scaleOf(ranges, "none", [-1, 4]);
  assert.deepEqual(none, { low: -1, high: 4, map: "viridis", below: false, above: true });
  assert.deepEqual(stopsOf(none), ["≥ 4", "−1"]);
  const signed = scaleOf(ranges, "signed", [-0.5, 4]);
  assert.deepEqual(signed, { low: -4, high: 4, map: "balance", below: false, above: true });
  assert.deepEqual(stopsOf(signed), ["≥ 4", "0", "−4"]);
  assert.deepEqual(stopsOf(scaleOf(ranges, "signed", [-0.5, 0.25])), ["≥ 0.5", "0", "≤ −0.5"]);
  assert.deepEqual(stopsOf(scaleOf(ranges, "minmax", [-0.5, 0.25])), ["1", "0"]);
  assert.deepEqual(stopsOf(scaleOf(ranges, "none", [])), ["8", "−1"]);
});

test("what lies beyond the colours' end has its colour, and spreads no longer flatten the rest", () => {
  const ranges = Float32Array.of(0, 1, 0, 100);
  const clipped = lookups(ranges, "none", [0, 1]);
  assert.deepEqual([clipped[1], clipped[255], clipped[256 + 255], clipped[256 + 4]], [1, 255, 255, 255]);
  assert.equal(lookups(ranges, "none", [])[255], 4);
  assert.equal(zeroPlace(Float32Array.of(-2, 9), "none", true, [-2, 2]), 128);
  const codes = new Uint8Array(2 * 22500).fill(3);
  codes[22500 + 13337] = 255;
  const grid = { ...GRID, start: -50, n_frames: 22500, n_samples: 2250000 };
  const at = picture({ codes, t: 22500, d: 2, view: [0, 22500], grid, width: 800, height: 2, ranges, ends: [0, 0.5] });
  assert.deepEqual([at(474, 0), at(474, 1)], [255, 5]);
});

test("places of a common scale compare across dimensions; of each its own, they do not", () => {
  const ranges = Float32Array.of(0, 1, 0, 10, 4, 4);
  const common = lookups(ranges, "none");
  assert.deepEqual([common[255], common[256 + 1], common[256 + 255]], [26, 1, 255]);
  assert.equal(common[512 + 128], 103);
  const own = lookups(ranges, "minmax");
  assert.deepEqual([own[255], own[256 + 255], own[256 + 7], own[512 + 128]], [255, 255, 7, 1]);
  const signed = lookups(Float32Array.of(-2, 1), "signed");
  assert.deepEqual([signed[1], signed[255], signed[170], signed[0]], [1, 192, 128, 0]);
});

test("zero is in the middle of what is signed, and strength is measured from it", () => {
  assert.equal(zeroPlace(Float32Array.of(-2, 1), "signed", true), 128);
  assert.equal(zeroPlace(Float32Array.of(-1, 1), "none", true), 128);
  assert.equal(zeroPlace(Float32Array.of(0, 1), "none", false), 0);
  assert.equal(zeroPlace(Float32Array.of(-2, 1), "minmax", true), 0);
});

test("huge values keep their places", () => {
  const ranges = Float32Array.of(-3e38, 3e38);
  assert.equal(lookups(ranges, "none")[128], 128);
  assert.equal(cellValue(255, ranges, 0), Math.fround(3e38));
});

test("maps run from end to end, and the middle of a diverging one is neutral", () => {
  assert.deepEqual(colorAt("viridis", 0), [0x44, 0x01, 0x54]);
  assert.deepEqual(colorAt("viridis", 1), [0xfd, 0xe7, 0x25]);
  assert.equal(palette("viridis")[0], 0xff540144);
  assert.equal(palette("viridis").length, 256);
  const [red, green, blue] = colorAt("balance", 0.5);
  assert.ok(Math.max(red, green, blue) - Math.min(red, green, blue) < 8);
  assert.ok(isDiverging("balance") && isDiverging(diverging(true)) && !isDiverging("viridis"));
  assert.match(gradient("viridis", "to top"), /^linear-gradient\(to top, #440154.*#fde725\)$/);
  assert.throws(() => palette("jet"), /no colour map/);
});

test("lightness rises evenly through viridis, and towards the middle of balance", () => {
  const light = (map, share) => colorAt(map, share).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  for (let i = 1; i <= 32; i += 1) {
    assert.ok(light("viridis", i / 32) > light("viridis", (i - 1) / 32));
    const [nearer, farther] = [0.5 - (i - 1) / 64, 0.5 - i / 64];
    assert.ok(light("balance", nearer) > light("balance", farther));
    assert.ok(light("balance", 1 - nearer) > light("balance", 1 - farther));
    assert.ok(light("night", nearer) < light("night", farther));
    assert.ok(light("night", 1 - nearer) < light("night", 1 - farther));
  }
});

test("the lowest and the highest place have the ends of the map, the middle its middle", () => {
  const words = wordsOf("balance");
  const colors = palette("balance");
  assert.deepEqual([words[0], words[1], words[128], words[255]], [0, colors[0], colors[128], colors[255]]);
});

test("strokes differ in colour and in dashes", () => {
  const strokes = Array.from({ length: 7 }, (_, i) => stroke(i, false));
  assert.equal(new Set(strokes.map(({ color }) => color)).size, 7);
  assert.equal(new Set(strokes.map(({ dash }) => String(dash))).size, 7);
  assert.notEqual(stroke(0, true).color, stroke(0, false).color);
});

// -- words --

test("numbers are short, and minus is minus", () => {
  assert.equal(formatValue(0.123456), "0.123");
  assert.equal(formatValue(-1.5), "−1.5");
  assert.equal(formatValue(0), "0");
  assert.equal(formatValue(123456.7), "123000");
  assert.equal(formatValue(1.2e-7), "1.2e−7");
  assert.equal(formatValue(1e-7), "1e−7");
  assert.equal(formatValue(-3.456e38), "−3.46e38");
  for (const nothing of [NaN, Infinity, null, undefined]) assert.equal(formatValue(nothing), "no value");
});

test("numbers at the colour bar fit beside it", () => {
  assert.deepEqual([0.00011, -0.012, 0, 38.4, -9.94].map((value) => stopText(value)), ["1e−4", "−0.012", "0", "38", "−9.9"]);
  assert.deepEqual([0.000108, -0.002, 0.57].map((value) => stopText(value, 0.57)), ["0", "0", "0.57"], "beside 0.57");
});

test("values come back from their codes", () => {
  const ranges = Float32Array.of(-1, 1, 5, 5);
  assert.deepEqual([cellValue(1, ranges, 0), cellValue(255, ranges, 0), cellValue(128, ranges, 1)], [-1, 1, 5]);
  assert.ok(Number.isNaN(cellValue(0, ranges, 0)));
  assert.equal(roughValue(128, ranges, 0), "0.000");
  assert.equal(roughValue(1, ranges, 0), "−1.000");
  assert.equal(roughValue(0, ranges, 0), "–");
  assert.equal(roughValue(128, ranges, 1), "5");
});

test("a hover tells when, what, and how much", () => {
  const about = { grid: GRID, labels: [], unit: "dB" };
  const cell = { frame: 12, dimension: 7, frames: 1, dimensions: 1, value: 0.12345 };
  assert.deepEqual(hoverLines(cell, about), {
    name: "dimension 7",
    value: "≈ 0.123 dB",
    beyond: "",
    span: "0:11.5 – 0:13.5 · frame 12",
    heard: "heard 0:11.0 – 0:14.0",
    pooled: "",
  });
  const exact = hoverLines({ ...cell, exact: 0.12349, frames: 3, dimensions: 2 }, about);
  assert.deepEqual([exact.value, exact.pooled], ["0.1235 dB", "strongest of 3 frames × 2 dimensions"]);
  assert.equal(hoverLines({ ...cell, exact: null }, about).value, "no value");
  const colors = { low: -0.05, high: 0.1, below: true, above: true };
  assert.equal(hoverLines(cell, { ...about, colors, scale: "none" }).beyond, "above 0.1, where the colours end");
  const low = { ...about, colors: { ...colors, high: 2 }, scale: "signed" };
  assert.equal(hoverLines({ ...cell, exact: -1 }, low).beyond, "below −0.05, where the colours end");
  assert.equal(hoverLines({ ...cell, exact: null }, { ...low, colors: { ...colors, low: 1 } }).beyond, "");
  assert.equal(hoverLines(cell, low).beyond, "");
  assert.equal(hoverLines(cell, { ...about, colors, scale: "minmax" }).beyond, "");
  const labels = Array.from({ length: D }, (_, i) => `tag ${i}`);
  assert.equal(hoverLines(cell, { ...about, labels, unit: "" }).name, "tag 7");
  assert.equal(hoverLines(cell, { ...about, grid: { ...GRID, receptive_field: 200 } }).heard, "");
});

test("pooling is told only where there is some", () => {
  assert.equal(poolingText(1, 1), "");
  assert.equal(poolingText(1, 2), "strongest of 2 dimensions");
  assert.equal(poolingText(1234, 1), "strongest of 1,234 frames");
});

test("spans are as fine as what they span", () => {
  assert.equal(spanText([12.34, 15.31]), "0:12.3 – 0:15.3");
  assert.equal(spanText([12.34, 12.44]), "0:12.34 – 0:12.44");
  assert.equal(spanText([12.34, 12.356], 0.016), "0:12.340 – 0:12.356");
});

test("names of others become one line that turns no text around", () => {
  assert.equal(plain("a\nb\u202ec\u2028d"), "a bc d");
  assert.equal(plain("x".repeat(200), 10), `${"x".repeat(9)}…`);
});

test("the cell under a pixel is the one that the pixel shows", () => {
  const codes = new Uint8Array(4 * 6).fill(50);
  codes[2 * 6 + 4] = 90;
  codes[3 * 6 + 1] = 0;
  const ranges = Float32Array.of(0, 1, 0, 1, 0, 1, 0, 1);
  const field = {
    codes, t: 6, d: 4, ranges, rows: Uint16Array.of(3, 2, 1, 0), tables: lookups(ranges, "none"),
    zeros: new Int32Array(4), zero: 0, grid: { ...GRID, n_frames: 6 },
  };
  const cell = cellAt(field, [2, 5], [0, 2]);
  assert.deepEqual([cell.frame, cell.dimension, cell.frames, cell.dimensions, cell.code], [4, 2, 3, 2, 90]);
  assert.equal(cellAt(field, [1, 2], [0, 1]), null);
  const size = { width: 60, height: 40 };
  assert.deepEqual(underPoint(field, [0, 6], { x: 45, y: 15 }, size).cell, cellAt(field, [4, 5], [1, 2]));
  assert.deepEqual(underPoint(field, [0, 6], { x: 15, y: 5 }, size), { cell: null, frame: 1, dimension: 3 });
  assert.deepEqual(underPoint(field, [0, 6], { x: null, y: 35 }, size), { cell: null, frame: null, dimension: 0 });
  assert.equal(underPoint(field, [-6, 6], { x: 5, y: 5 }, size).frame, null);
});

test("among cells beyond the colours' end, the farthest is the strongest", () => {
  const ranges = Float32Array.of(0, 5, 0, 9, -20, 7);
  const codes = Uint8Array.of(255, 255, 1);
  const field = { codes, t: 1, ranges, rows: Uint16Array.of(0, 1, 2), zeros: new Int32Array(3) };
  const unsigned = { ...field, tables: lookups(ranges, "none", [0, 4]), zero: 0 };
  assert.equal(cellAt(unsigned, [0, 1], [0, 3]).dimension, 1);
  const signed = { ...field, tables: lookups(ranges, "signed", [-4, 4]), zero: 128, zeros: zerosOf(ranges) };
  assert.equal(cellAt(signed, [0, 1], [0, 3]).dimension, 2);
});

// -- curves --

test("curves pass through the centres of frames, and break where cells are empty", () => {
  const runs = lineOf(Uint8Array.of(10, 20, 0, 40), { from: 0, step: 0.1 }, 40);
  assert.deepEqual(runs, [[{ x: 5, code: 10 }, { x: 15, code: 20 }], [{ x: 35, code: 40 }]]);
});

test("dense curves reach the lowest and the highest of every pixel", () => {
  const codes = new Uint8Array(1000).fill(100);
  codes[503] = 255;
  codes[507] = 1;
  const [run] = lineOf(codes, { from: 0, step: 10 }, 100);
  assert.deepEqual(run.filter(({ x }) => x === 50.5).map(({ code }) => code), [1, 255]);
  assert.equal(run.length, 200);
});
