import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Clock, clockOf } from "../../embviz/widgets/src/player/clock.js";

/** An audio element as far as a clock knows one; its time moves only when the test says so. */
class FakeMedia extends EventTarget {
  currentTime = 0;
  readyState = 4;
  paused = true;
  seeking = false;
  playbackRate = 1;
  volume = 1;
  muted = false;
  refuses = "";
  async play() {
    if (this.refuses) throw Object.assign(new Error("refused"), { name: this.refuses });
    this.paused = false;
    this.dispatchEvent(new Event("play"));
  }
  pause() {
    if (this.paused) return;
    this.paused = true;
    this.dispatchEvent(new Event("pause"));
  }
  at(seconds) {
    this.currentTime = seconds;
    this.dispatchEvent(new Event("timeupdate"));
  }
}

let frames = [];
globalThis.requestAnimationFrame = (call) => frames.push(call);
globalThis.cancelAnimationFrame = (id) => (frames[id - 1] = null);
/** Let the page draw one frame. */
const tick = () => {
  const due = frames;
  frames = [];
  due.forEach((call) => call?.(0));
};

let clock;
let media;
beforeEach(() => {
  frames = [];
  clock = new Clock();
  clock.load(100);
  media = new FakeMedia();
  clock.attach(media);
});

function heard(kind) {
  let count = 0;
  clock.on(kind, () => (count += 1));
  return () => count;
}

test("what a browser leaves out at the beginning of a sound counts as time", () => {
  clock.attach(media, 0.025);
  media.at(0.975);
  assert.equal(clock.time, 1);
  clock.seek(3);
  assert.equal(media.currentTime, 2.975);
  clock.seek(0.01);
  assert.equal(media.currentTime, 0);
  const stem = new FakeMedia();
  clock.seek(5);
  clock.attach(stem);
  assert.equal(stem.currentTime, 5);
  clock.attach(media, 0.025);
  assert.equal(media.currentTime, 4.975);
  // Silence that an edit list puts before the sound.
  clock.attach(media, -0.5);
  assert.equal(media.currentTime, 5.5);
});

test("clocks of one name are one clock", () => {
  assert.equal(clockOf("a"), clockOf("a"));
  assert.notEqual(clockOf("a"), clockOf("b"));
});

test("a new track shows all of itself and forgets the old one's range", () => {
  clock.setRange(10, 20);
  clock.setLooping(true);
  clock.seek(50);
  clock.load(30);
  assert.deepEqual([clock.time, clock.range, clock.looping, clock.view, clock.duration], [0, null, false, [0, 30], 30]);
});

test("seeking moves the sound and tells the plots, inside the track", () => {
  const times = heard("time");
  clock.seek(42);
  assert.deepEqual([clock.time, media.currentTime, times()], [42, 42, 1]);
  clock.seek(1000);
  assert.equal(clock.time, 100);
  clock.seek(-1);
  assert.equal(media.currentTime, 0);
});

test("the playhead follows the sound once per frame while it plays, and rests with it", async () => {
  await clock.play();
  assert.ok(clock.playing);
  media.currentTime = 5;
  tick();
  assert.ok(Math.abs(clock.time - 5) < 0.11);
  media.currentTime = 6;
  tick();
  assert.ok(Math.abs(clock.time - 6) < 0.11);
  clock.pause();
  assert.ok(!clock.playing);
  tick();
  assert.equal(frames.filter(Boolean).length, 0);
});

test("a hidden page draws no frames, and loops all the same", async () => {
  clock.setRange(10, 20);
  clock.setLooping(true);
  assert.equal(clock.time, 10);
  await clock.play();
  media.at(20.02);
  assert.deepEqual([clock.time, media.currentTime], [10, 10]);
});

test("play begins a looped range, or a track that has ended, from its beginning", async () => {
  clock.seek(100);
  await clock.play();
  assert.equal(media.currentTime, 0);
  clock.pause();
  clock.setRange(30, 40);
  clock.setLooping(true);
  clock.seek(70);
  await clock.play();
  assert.equal(media.currentTime, 30);
});

test("a refused play is a sentence, an interrupted one nothing", async () => {
  media.refuses = "NotAllowedError";
  assert.equal(await clock.play(), false);
  assert.match(clock.problem, /press play once more/);
  media.refuses = "";
  await clock.play();
  assert.equal(clock.problem, "");
  media.pause();
  media.refuses = "AbortError";
  assert.equal(await clock.play(), false);
  assert.equal(clock.problem, "");
});

test("speed and volume keep to their limits and reach the sound, also one that comes later", () => {
  clock.setRate(9);
  clock.setVolume(0.25, true);
  assert.deepEqual([media.playbackRate, media.volume, media.muted], [2, 0.25, true]);
  const next = new FakeMedia();
  clock.attach(next);
  assert.deepEqual([next.playbackRate, next.volume, next.muted, next.preservesPitch], [2, 0.25, true, true]);
});

test("a sound that comes later begins where the playhead stands", () => {
  clock.seek(33);
  const next = Object.assign(new FakeMedia(), { readyState: 0 });
  clock.attach(next);
  assert.equal(next.currentTime, 0);
  next.readyState = 1;
  next.dispatchEvent(new Event("loadedmetadata"));
  assert.equal(next.currentTime, 33);
});

test("a sound that was replaced is silent and leads no more", async () => {
  await clock.play();
  clock.attach(new FakeMedia());
  assert.ok(media.paused);
  media.at(77);
  assert.notEqual(clock.time, 77);
});

test("a range is kept in order; one too short is none, and cannot be looped", () => {
  const states = heard("state");
  clock.setRange(40, 30);
  assert.deepEqual(clock.range, [30, 40]);
  clock.setLooping(true);
  clock.setRange(30, 30);
  assert.deepEqual([clock.range, clock.looping], [null, false]);
  assert.ok(states() >= 3);
  clock.setLooping(true);
  assert.equal(clock.looping, false);
});

test("zoom and pan tell the plots only when they change something", () => {
  const views = heard("view");
  clock.zoom(50, 2);
  assert.deepEqual(clock.view, [25, 75]);
  clock.pan(1000);
  assert.deepEqual(clock.view, [50, 100]);
  clock.pan(1000);
  assert.equal(views(), 2);
});

test("pages turn with the playhead, but not for who looks elsewhere", () => {
  clock.setView(0, 10);
  media.at(11);
  assert.deepEqual(clock.view, [10.5, 20.5]);
  clock.setView(60, 70);
  media.at(12);
  assert.deepEqual(clock.view, [60, 70]);
  media.at(61);
  media.at(70.5);
  assert.equal(clock.view[0], 70);
});

test("listeners end with their signal, and when they are told to", () => {
  const control = new AbortController();
  let count = 0;
  clock.on("hover", () => (count += 1), { signal: control.signal });
  const off = clock.on("hover", () => (count += 10));
  clock.setHover(3);
  clock.setHover(3);
  assert.equal(count, 11);
  control.abort();
  off();
  clock.setHover(null);
  assert.equal(count, 11);
  clock.on("hover", () => (count += 100), { signal: control.signal });
  clock.setHover(4);
  assert.equal(count, 11);
});

test("without a sound device time goes on by itself, at its rate, to the end", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let now = 1000;
  t.mock.method(performance, "now", () => now);
  const after = (milliseconds) => {
    now += milliseconds;
    t.mock.timers.tick(milliseconds);
    tick();
  };
  clock.seek(10);
  clock.playing = true;
  clock.runSilently();
  assert.match(clock.problem, /No sound device.*silently/);
  after(500);
  assert.deepEqual([clock.playing, clock.time], [true, 10.5]);
  clock.setRate(2);
  after(1000);
  assert.equal(clock.time, 12.5);
  clock.pause();
  after(1000);
  assert.deepEqual([clock.playing, clock.time], [false, 12.5]);
  clock.attach(media);
  assert.notEqual(clock.media, media, "no element leads any more");
  clock.seek(99);
  clock.play();
  for (let i = 0; i < 4; i += 1) after(200);
  assert.deepEqual([clock.playing, clock.time], [false, 100]);
  clock.setRange(20, 21);
  clock.setLooping(true);
  clock.play();
  after(400);
  assert.equal(clock.time, 20.8);
  after(200);
  assert.equal(clock.time, 20);
  clock.load(50);
  assert.deepEqual([clock.silent, clock.problem, clock.media], [false, "", null]);
});

test("a play that is refused for want of a device runs silently, too", async () => {
  media.error = { code: 3, message: "AUDIO_RENDERER_ERROR: audio render error" };
  media.refuses = "NotSupportedError";
  assert.equal(await clock.play(), true);
  assert.deepEqual([clock.silent, clock.playing], [true, true]);
  clock.pause();
});

test("one clock of a page is heard: who begins stops the others", async () => {
  const [one, other] = [clockOf("one"), clockOf("other")];
  const sounds = [new FakeMedia(), new FakeMedia()];
  [one, other].forEach((each, i) => {
    each.load(10);
    each.attach(sounds[i]);
  });
  await one.play();
  await other.play();
  assert.deepEqual(sounds.map(({ paused }) => paused), [true, false]);
  assert.deepEqual([one.playing, other.playing], [false, true]);
  await one.play();
  tick();
  assert.deepEqual(sounds.map(({ paused }) => paused), [false, true]);
  one.pause();
});

test("without a sound nothing plays, and the playhead can still be moved", async () => {
  const silent = new Clock();
  silent.load(10);
  assert.equal(await silent.play(), false);
  silent.seek(4);
  assert.equal(silent.time, 4);
});

test("a playhead that is pointed elsewhere takes its sound along when it is played", async () => {
  clock.point(40);
  assert.deepEqual([clock.time, media.currentTime], [40, 0]);
  media.at(0);
  assert.equal(clock.time, 40);
  await clock.play();
  assert.deepEqual([clock.time, media.currentTime], [40, 40]);
});

test("partners do not silence each other", async () => {
  const [one, other] = [clockOf("one"), clockOf("other")];
  const sounds = [new FakeMedia(), new FakeMedia()];
  [one, other].forEach((each, i) => {
    each.load(10);
    each.attach(sounds[i]);
  });
  await one.play();
  await other.play();
  assert.deepEqual([one.playing, other.playing], [false, true]);
  one.partners.add(other);
  other.partners.add(one);
  await one.play();
  assert.deepEqual([one.playing, other.playing], [true, true]);
});
