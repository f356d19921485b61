import assert from "node:assert/strict";
import { test } from "node:test";
import { KEYS, applyToClock, keyAction, placeOf, rangeWithEnd } from "../../embviz/widgets/src/base/keys.js";
import { axesOf, costOf, countOf, hopChoices, hopIndex, plain } from "../../embviz/widgets/src/base/ui.js";
import { spanOf } from "../../embviz/widgets/src/base/format.js";
import { progressText, quoted, refOf, sizeOf, stateOf } from "../../embviz/widgets/src/base/ui.js";
import { chosenTracks, factsOf, marksOf, sameNamed, shortFolder, stepped, visibleRows } from "../../embviz/widgets/src/explorer/track_list.js";
import { dropIndex, headChoices, suggestions } from "../../embviz/widgets/src/explorer/heatmap_rows.js";
import { availability, foundLayers, grouped, meantModel } from "../../embviz/widgets/src/explorer/model_picker.js";
import { stemWords, tempoBars, tempoTicks, tempoWords } from "../../embviz/widgets/src/explorer/predictions_tab.js";
import { firstChoice } from "../../embviz/widgets/src/explorer/layers_tab.js";
import { PATIENCE, patience } from "../../embviz/widgets/src/base/commands.js";
import { LARGEST_FILE, PART, partsOfFile, refusal } from "../../embviz/widgets/src/base/upload.js";
import { headline } from "../../embviz/widgets/src/explorer/panel.js";

const track = (id, name, more = {}) => ({
  id,
  name,
  title: "",
  style: "",
  bpm: null,
  key: "",
  seconds: null,
  note: "",
  problem: "",
  ...more,
});
const MUSICNN = {
  name: "msd-musicnn-1",
  title: "MusiCNN (MSD)",
  system: "musicnn",
  system_title: "MusiCNN",
  task: "tagging",
  state: "ready",
  bytes: 0,
  hop: 1.488,
  patch: 2.992,
  finest: 0.016,
  finer: [0.736, 0.368],
  fixed_hop: false,
  cost: 6,
  layers: [{ name: "mel" }, { name: "embedding" }, { name: "output" }],
};
const TEMPO = {
  ...MUSICNN,
  name: "deepsquare-k8",
  title: "Tempo-CNN",
  system: "tempocnn",
  system_title: "Tempo-CNN",
  state: "download",
  bytes: 1.2e6,
};

test("keys mean what the help says, and nothing while text is written", () => {
  assert.deepEqual(keyAction({ key: " " }), { kind: "play" });
  assert.deepEqual(keyAction({ key: "ArrowLeft" }), { kind: "seek", by: -5 });
  assert.deepEqual(keyAction({ key: "ArrowRight", shiftKey: true }), { kind: "seek", by: 0.5 });
  assert.deepEqual(keyAction({ key: "+" }), { kind: "zoom", steps: 1 });
  assert.deepEqual(keyAction({ key: "-" }), { kind: "zoom", steps: -1 });
  assert.deepEqual(keyAction({ key: "3" }), { kind: "tab", index: 2 });
  assert.deepEqual(keyAction({ key: "]" }), { kind: "range", end: 1 });
  for (const key of [" ", "l", "1", "?", "Escape", "ArrowLeft"]) {
    assert.equal(keyAction({ key }, "text"), null, key);
    assert.equal(keyAction({ key }, "dialog"), null, key);
  }
  assert.deepEqual(keyAction({ key: "Home" }), { kind: "go", to: 0 });
  assert.deepEqual(keyAction({ key: "End" }), { kind: "go", to: Infinity });
  assert.deepEqual(keyAction({ key: "L", shiftKey: true }), { kind: "loop" });
  assert.deepEqual(keyAction({ key: "m" }), { kind: "mute" });
  assert.equal(keyAction({ key: "l", isComposing: true }), null);
  for (const foreign of ["a", "Tab", "Enter", "ArrowUp", "constructor", undefined]) {
    assert.equal(keyAction({ key: foreign }), null, foreign);
  }
});

test("keys that press or move a control are left to it", () => {
  assert.equal(keyAction({ key: " " }, "button"), null);
  assert.deepEqual(keyAction({ key: "ArrowLeft" }, "button"), { kind: "seek", by: -5 });
  assert.equal(keyAction({ key: "ArrowLeft" }, "slider"), null);
  assert.equal(keyAction({ key: "ArrowRight" }, "tab"), null);
  for (const key of ["Home", "End"]) {
    for (const place of ["slider", "tab", "list"]) assert.equal(keyAction({ key }, place), null);
  }
  assert.deepEqual(keyAction({ key: " " }, "slider"), { kind: "play" });
  assert.deepEqual(keyAction({ key: "l" }, "button"), { kind: "loop" });
  assert.equal(keyAction({ key: "Enter" }, "list"), null);
  assert.deepEqual(keyAction({ key: " " }, "list"), { kind: "play" });
});

test("keys with ctrl, ⌘ or alt are the browser's; AltGr is only how [ is typed", () => {
  assert.equal(keyAction({ key: "0", ctrlKey: true }), null);
  assert.equal(keyAction({ key: "l", metaKey: true }), null);
  assert.equal(keyAction({ key: "ArrowLeft", altKey: true }), null);
  const getModifierState = (name) => name === "AltGraph";
  assert.deepEqual(keyAction({ key: "[", ctrlKey: true, altKey: true, getModifierState }), { kind: "range", end: 0 });
});

test("what has the focus decides which keys it keeps", () => {
  // As far as `closest` is asked for here: an element, with at most one attribute, by its tag or that attribute.
  const at = (tag, name = "", value = "") => ({
    closest: (selectors) => selectors.split(", ").some((one) => {
      const [, type, attribute, wanted] = /^(\w*)(?:\[(\w+)='?(\w*)'?\])?$/.exec(one);
      return (!type || type === tag) && (!attribute || (attribute === name && wanted === value));
    }),
  });
  for (const type of ["text", "search", "number"]) assert.equal(placeOf(at("input", "type", type)), "text");
  for (const tag of ["textarea", "select"]) assert.equal(placeOf(at(tag)), "text");
  assert.equal(placeOf(at("div", "contenteditable", "true")), "text");
  assert.equal(placeOf(at("input", "type", "range")), "slider");
  for (const type of ["checkbox", "radio"]) assert.equal(placeOf(at("input", "type", type)), "button");
  for (const tag of ["button", "a", "summary"]) assert.equal(placeOf(at(tag)), "button");
  assert.equal(placeOf(at("div", "role", "tab")), "tab");
  assert.equal(placeOf(at("ul", "role", "listbox")), "list");
  // The waveform is a slider to screen readers; its keys are the clock's.
  assert.equal(placeOf(at("div", "role", "slider")), "");
});

function fakeClock(state = {}) {
  const calls = [];
  const record = (name) => (...args) => calls.push([name, ...args]);
  const clock = { duration: 100, time: 20, view: [0, 50], range: null, looping: false, volume: 0.5, muted: false };
  Object.assign(clock, state);
  for (const name of ["toggle", "seek", "setLooping", "setVolume", "zoom", "setView"]) clock[name] = record(name);
  clock.setRange = (a, b) => (calls.push(["setRange", a, b]), (clock.range = a === null ? null : [a, b]));
  return { clock, calls, press: (key) => applyToClock(keyAction({ key }), clock) };
}

test("what keys do to the clock", () => {
  const { calls, press } = fakeClock();
  for (const key of [" ", "ArrowLeft", "Home", "End", "m", "+", "0"]) assert.equal(press(key), true, key);
  assert.deepEqual(calls, [
    ["toggle"], ["seek", 15], ["seek", 0], ["seek", 100], ["setVolume", 0.5, true], ["zoom", 20, 2],
    ["setView", 0, 100],
  ]);
});

test("zoom is around the middle where the playhead is out of view", () => {
  const { calls, press } = fakeClock({ time: 80 });
  press("-");
  assert.deepEqual(calls, [["zoom", 25, 0.5]]);
});

test("loop without a range takes what is in view; escape without one is not used up", () => {
  const { clock, calls, press } = fakeClock();
  assert.equal(press("Escape"), false);
  assert.equal(press("l"), true);
  assert.deepEqual(calls, [["setRange", 0, 50], ["setLooping", true]]);
  assert.equal(press("Escape"), true);
  assert.equal(clock.range, null);
});

test("brackets set the ends of the range at the playhead", () => {
  const { calls, press } = fakeClock();
  press("[");
  press("]");
  assert.deepEqual(calls, [["setRange", 20, 100], ["setRange", 0, 20]]);
});

test("without a track no key does anything, and the panel's keys are not the clock's", () => {
  const without = fakeClock({ duration: 0 });
  for (const key of [" ", "l", "+", "End"]) assert.equal(without.press(key), false, key);
  const { calls, press } = fakeClock();
  for (const key of ["1", "/", "?", "a"]) assert.equal(press(key), false, key);
  assert.deepEqual([...without.calls, ...calls], []);
});

test("the help lists every key that does something", () => {
  const listed = KEYS.flatMap(([, lines]) => lines.flatMap(([keys]) => keys));
  for (const key of ["Space", "Home", "End", "L", "M", "Esc", "[", "]", ",", ".", "0", "1", "4", "/", "?", "Alt ↑"])
    assert.ok(listed.includes(key), key);
});

test("[ and ] give a range whose other end stays where it makes sense", () => {
  assert.deepEqual(rangeWithEnd(0, 10, null, 60), [10, 60]);
  assert.deepEqual(rangeWithEnd(0, 10, [5, 20], 60), [10, 20]);
  assert.deepEqual(rangeWithEnd(0, 30, [5, 20], 60), [30, 60]);
  assert.deepEqual(rangeWithEnd(1, 10, null, 60), [0, 10]);
  assert.deepEqual(rangeWithEnd(1, 3, [5, 20], 60), [0, 3]);
});

test("tracks are found by all words, in any case, without accents", () => {
  const tracks = [
    track(0, "a10.ogg", { title: "Été indien", style: "chanson", bpm: 90, seconds: 60 }),
    track(1, "a2.ogg", { title: "Anvil", style: "metal", bpm: 168, seconds: 44 }),
    track(2, "b.ogg", { seconds: null }),
  ];
  const ids = (query, order) => chosenTracks(tracks, query, order).map(({ id }) => id);
  assert.deepEqual(ids("ete CHANSON", "name"), [0]);
  assert.deepEqual(ids("", "name"), [1, 0, 2]);
  const titled = [track(0, "b.ogg", { title: "Anvil" }), track(1, "a.ogg", { title: "Zither" }), track(2, "m.ogg")];
  const shown = chosenTracks(titled, "", "title").map(({ title, name }) => title || name);
  assert.deepEqual(shown, ["Anvil", "m.ogg", "Zither"], "by what is shown");
  assert.deepEqual(ids("", "bpm"), [0, 1, 2]);
  assert.deepEqual(ids("", "seconds"), [1, 0, 2]);
  assert.deepEqual(ids("", "style"), [0, 1, 2]);
  assert.deepEqual(ids("nothing", "name"), []);
  const tags = { title: "Rain", artist: "Björk", album: "Vespers", genre: "Trip Hop" };
  const tagged = [track(0, "05.mp3", tags), track(1, "06.mp3", { title: "Rain", artist: "Anna" }), track(2, "x.wav")];
  const found = (query, order = "title") => chosenTracks(tagged, query, order).map(({ id }) => id);
  for (const query of ["bjork", "vespers", "trip hop", "05.mp3"]) assert.deepEqual(found(query), [0], query);
  assert.deepEqual(found("", "artist"), [1, 0, 2], "what is not known comes last");
  assert.deepEqual(found("", "album"), [0, 1, 2]);
  assert.deepEqual(found("", "style"), [0, 1, 2], "a genre of the tags is one, too");
  assert.deepEqual(
    tracks.map(({ id }) => id),
    [0, 1, 2],
    "the list itself keeps its order",
  );
});

test("only rows in sight, and some around, are in the page", () => {
  assert.deepEqual(visibleRows(0, 460, 10000, 46, 6), [0, 16]);
  assert.deepEqual(visibleRows(46000, 460, 10000, 46, 6), [994, 1016]);
  assert.deepEqual(visibleRows(460000, 460, 10000, 46, 6), [9994, 10000]);
  assert.deepEqual(visibleRows(0, 460, 3, 46, 6), [0, 3]);
  assert.deepEqual(visibleRows(9999, 460, 3, 46, 6), [3, 3]);
});

test("arrow keys stop at both ends of a list", () => {
  assert.equal(stepped("ArrowDown", 2, 3, 5), 2);
  assert.equal(stepped("ArrowUp", 0, 3, 5), 0);
  assert.equal(stepped("End", 0, 10000, 5), 9999);
  assert.equal(stepped("PageDown", 3, 10000, 8), 11);
  assert.equal(stepped("ArrowDown", 0, 0, 5), -1);
  assert.equal(stepped("x", 0, 3, 5), -1);
});

test("facts leave out what is not known", () => {
  assert.equal(factsOf(track(0, "a", { style: "rock", bpm: 128, seconds: 122.5 })), "rock · 128 BPM");
  assert.equal(factsOf(track(0, "a", { bpm: 89.96 })), "90 BPM");
  assert.equal(factsOf(track(0, "a")), "");
  const full = track(0, "rock.ogg", { title: "Bars", style: "rock", bpm: 128, key: "E minor", seconds: 61 });
  assert.equal(headline(full), "rock · 128 BPM · E minor · 1:01 · rock.ogg");
  const tagged = track(0, "a.mp3", { title: "Rain", artist: "Anna", genre: "Folk", seconds: 61 });
  assert.equal(headline(tagged), "Anna · Folk · 1:01 · a.mp3");
  assert.equal(factsOf(tagged), "Anna · Folk");
  assert.equal(factsOf({ ...tagged, style: "ballad" }), "Anna · ballad", "a table goes before tags");
});

test("tracks of one title are told apart by their artists, else by their files", () => {
  const rain = (id, artist) => track(id, `${id}.mp3`, { title: "Rain", artist });
  assert.deepEqual([...sameNamed([rain(0, "Anna"), rain(1, "Bert"), track(2, "a.wav"), track(3, "a.wav")])], []);
  assert.deepEqual([...sameNamed([rain(0, "Anna"), rain(1, "Bert"), rain(2, "anna"), rain(3, "Anna")])], [0, 2, 3]);
});

test("each system in the cache has one mark, which names its models", () => {
  const models = new Map([MUSICNN, { ...MUSICNN, name: "mtt", title: "MusiCNN (MTT)" }, TEMPO].map((m) => [m.name, m]));
  assert.deepEqual(marksOf(["msd-musicnn-1", "mtt", "deepsquare-k8", "gone"], models), [
    { letter: "M", system: "MusiCNN", titles: ["MusiCNN (MSD)", "MusiCNN (MTT)"] },
    { letter: "T", system: "Tempo-CNN", titles: ["Tempo-CNN"] },
    { letter: "G", system: "gone", titles: ["gone"] },
  ]);
  assert.deepEqual(marksOf(undefined, models), []);
  const folders = ["/home/x/lib/embviz/sample_audio", "music/rock", "/music", ""].map(shortFolder);
  assert.deepEqual(folders, ["…/embviz/sample_audio", "music/rock", "/music", ""]);
});

test("text of others stays on one line, and cannot turn the text around it", () => {
  assert.equal(plain("a\nb\r\n\tc\u2028d\u0000"), "a b c d ");
  assert.equal(plain(null), "");
  assert.equal(plain("<img onerror=x>"), "<img onerror=x>");
  assert.equal(quoted("abc\u202Egnp.exe\u2069"), "abcgnp.exe");
});

test("numbers are written as people read them", () => {
  assert.deepEqual([787159, 19645450, 512, 605].map(countOf), ["787 k", "19.6 M", "512", "605"]);
  assert.deepEqual([0, 500, 1.25e6, 12.3e6, 2.5e9].map(sizeOf), ["", "1 kB", "1.3 MB", "12 MB", "2.5 GB"]);
  assert.deepEqual([0.016, 1.488, 11.889, 2.27e-5, 0].map(spanOf), ["16 ms", "1.49 s", "11.9 s", "22.7 µs", ""]);
  assert.deepEqual([0, 0.4, 4.4, 12.2, 600, 7200].map(costOf), [
    "", ...["< 1 s", "≈ 4 s", "≈ 10 s", "≈ 10 min", "≈ 2.0 h"].map((time) => `${time} of computing`),
  ]);
  assert.equal(axesOf([187, 96, 1], "tf1"), "187 (time) × 96 (frequency) × 1 (one)");
  assert.equal(axesOf([7, 8], ""), "7 × 8");
});

test("hops: own, half, quarter, dense, with a cost that grows as the hop shrinks", () => {
  const choices = hopChoices(MUSICNN, 120);
  assert.deepEqual(
    choices.map(({ hop }) => hop),
    [null, 0.736, 0.368, "dense"],
  );
  assert.deepEqual(
    choices.slice(0, 3).map(({ cost }) => Math.round(cost)),
    [12, 24, 49],
  );
  assert.equal(Math.round(choices[3].cost), Math.round((12 * 1.488) / 0.016));
  assert.deepEqual(
    hopChoices({ ...MUSICNN, shared_cost: 4 }, 120)
      .slice(0, 3)
      .map(({ cost }) => Math.round(cost)),
    [12, 16, 24],
  );
  assert.equal(hopIndex(choices, 0.736), 1);
  assert.equal(hopIndex(choices, "dense"), 3);
  assert.equal(hopIndex(choices, null), 0);
  const asked = hopChoices(MUSICNN, 120, 0.5);
  assert.equal(asked[hopIndex(asked, 0.5)].hop, 0.5);
  assert.equal(hopChoices({ ...MUSICNN, fixed_hop: true }, 120).length, 1);
  assert.deepEqual(
    hopChoices({ ...MUSICNN, finest: 0.5 }, 60).map(({ hop }) => hop),
    [null, 0.736, "dense"],
  );
  assert.equal(hopChoices(undefined, null).length, 1);
});

test("progress says stage and amount; bytes as bytes", () => {
  assert.equal(progressText("layer", 3, 12), "layer · 3 of 12");
  assert.equal(progressText("decoding", 0, 0), "decoding");
  assert.equal(progressText("downloading", 3.1e6, 12e6), "downloading · 3.1 MB of 12 MB");
});

test("a download shows its own state over that of its row", () => {
  assert.equal(stateOf({ status: "download" }), "download");
  assert.equal(stateOf({ status: "download" }, { done: 1, total: 2 }), "pulling");
  assert.equal(stateOf({ status: "download" }, { error: "No." }), "broken");
  assert.equal(stateOf({ status: "ready" }, { done: 1, total: 2 }), "");
  assert.equal(stateOf({ status: "running" }), "running");
  assert.equal(stateOf({}), "");
  assert.equal(refOf("IPY_MODEL_abc"), "anywidget:abc");
});

test("suggestions are at most three, and those whose weights are here come first", () => {
  const found = suggestions([TEMPO, MUSICNN]);
  assert.deepEqual(
    found.map(({ model, layer }) => `${model} ${layer}`),
    ["msd-musicnn-1 embedding", "msd-musicnn-1 output", "deepsquare-k8 output"],
  );
  assert.deepEqual(suggestions([]), []);
});

test("a row is dropped between the rows whose middles it lies between", () => {
  const boxes = [0, 100, 200].map((top) => ({ top, height: 100 }));
  assert.equal(dropIndex(10, boxes, 2), 0);
  assert.equal(dropIndex(120, boxes, 0), 0);
  assert.equal(dropIndex(160, boxes, 0), 1);
  assert.equal(dropIndex(290, boxes, 0), 2);
  assert.equal(dropIndex(290, boxes, 2), 2);
});

test("models are found by system, and say whether they are at hand", () => {
  const sizes = (query) => grouped([MUSICNN, TEMPO, MUSICNN], query).map(({ title, models }) => [title, models.length]);
  assert.deepEqual(sizes(""), [
    ["MusiCNN", 2],
    ["Tempo-CNN", 1],
  ]);
  assert.deepEqual(sizes("MUSI msd"), [["MusiCNN", 2]]);
  assert.equal(grouped([MUSICNN], "zzz").length, 0);
  const layers = [
    { name: "timbral", meaning: "timbre", nodes: ["model/timbral/concat"] },
    { name: "embedding", meaning: "penultimate layer", nodes: ["model/dense/BiasAdd"] },
  ];
  const [deep, tempo] = [{ ...MUSICNN, layers }, { ...TEMPO, layers: layers.slice(0, 1) }];
  const named = (query) => grouped([deep, tempo], query).flatMap(({ models }) => models.map(({ name }) => name));
  assert.deepEqual(named("dense/biasadd"), ["msd-musicnn-1"], "by a node");
  assert.deepEqual(named("timbral"), ["msd-musicnn-1", "deepsquare-k8"], "by a layer");
  assert.deepEqual(named("tempo timbral"), ["deepsquare-k8"], "by both");
  assert.deepEqual(foundLayers(deep, "musicnn PENULT"), [layers[1]]);
  assert.deepEqual(foundLayers(deep, "musicnn"), []);
  const temporal = { ...deep, layers: [{ name: "temporal", meaning: "" }] };
  const here = { ...TEMPO, name: "deeptemp-k16", state: "ready" };
  const found = grouped([temporal, TEMPO, here], "tempo").flatMap(({ models }) => models);
  assert.deepEqual(found, [here, TEMPO, temporal], "names before layers, what is here before what is not");
  assert.equal(meantModel(found, temporal, "tempo"), here);
  assert.equal(meantModel(found, TEMPO, "tempo"), TEMPO, "what is chosen stays");
  assert.equal(meantModel([temporal], undefined, "tempo"), temporal);
  assert.equal(meantModel([deep, tempo], tempo, ""), tempo);
  assert.equal(meantModel([{ ...deep, state: "absent" }, tempo], undefined, ""), tempo);
  assert.equal(meantModel([], deep, ""), undefined);
  assert.deepEqual(availability(MUSICNN, ["msd-musicnn-1"]), ["●", "computed"]);
  assert.deepEqual(availability(MUSICNN, []), ["○", "ready"]);
  assert.deepEqual(availability(TEMPO, []), ["↓", "1.2 MB"]);
  assert.deepEqual(availability(TEMPO, [], { done: 1, total: 2 }), ["↓", "downloading"]);
  assert.deepEqual(availability({ ...TEMPO, state: "absent" }, []), ["–", "not available"]);
});

test("a tempo that is hardly likely is called uncertain", () => {
  assert.deepEqual(tempoWords(128.24, 0.83), { certainty: "sure", text: "128.2 BPM", words: "confidence 83 %" });
  assert.equal(tempoWords(128, 0.3).text, "about 128 BPM");
  assert.deepEqual(tempoWords(71, 0.05), {
    certainty: "uncertain",
    text: "uncertain, perhaps 71 BPM",
    words: "confidence 5 %",
  });
  assert.equal(tempoWords(null, 0.9).text, "no tempo");
  assert.equal(tempoWords(71, null).certainty, "uncertain");
});

test("bars of tempi fill the plot; their ticks stand in the middle of their bars", () => {
  const bars = tempoBars([60, 61, 62, 63], [0, 0.2, 0.1, 0], 400, 50);
  assert.deepEqual(
    bars.map(({ height }) => height),
    [0, 50, 25, 0],
  );
  assert.deepEqual(
    bars.map(({ y }) => y),
    [50, 0, 25, 50],
  );
  assert.equal(bars[3].x + bars[3].width, 400);
  assert.deepEqual(tempoBars([60], [0], 400, 50), []);
  assert.deepEqual(tempoBars(undefined, undefined, 400, 50), []);
  assert.deepEqual(tempoTicks([60, 61, 62, 63], 400, 2), [
    { x: 50, label: "60" },
    { x: 250, label: "62" },
  ]);
  assert.equal(stemWords("spleeter-5s-3"), "vocals, piano, drums, bass and the rest");
});

test("a walk begins with what the poster begins with", () => {
  assert.deepEqual(firstChoice([{ model: "deepsquare-k8", layer: "output" }], [MUSICNN, TEMPO]), {
    model: "deepsquare-k8",
    layer: "output",
  });
  assert.deepEqual(firstChoice([], [TEMPO, MUSICNN]), { model: "msd-musicnn-1", layer: "embedding" });
  assert.equal(firstChoice([], []), null);
});

test("files too large or empty are refused with a sentence; others go in parts", () => {
  assert.equal(refusal({ name: "a.ogg", size: 1 }), "");
  assert.match(refusal({ name: "a.ogg", size: 0 }), /empty/);
  assert.match(refusal({ name: "a.ogg", size: LARGEST_FILE + 1 }), /200 MB/);
  assert.deepEqual(partsOfFile(10, 4), [
    [0, 4],
    [4, 8],
    [8, 10],
  ]);
  assert.deepEqual(partsOfFile(8, 4), [
    [0, 4],
    [4, 8],
  ]);
  assert.ok(PART < 10 * 2 ** 20);
  assert.ok(patience(PART) > PATIENCE);
});

test("a row offers heads where there are some, and none of them first", () => {
  assert.deepEqual(headChoices([]), []);
  assert.deepEqual(headChoices(undefined), []);
  assert.deepEqual(headChoices([{ name: "mood", title: "Mood" }]), [
    { value: "", label: "Head: none" },
    { value: "mood", label: "Mood" },
  ]);
});
