import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { counterpart, linesOf, pathOf, viewOfOther } from "../../embviz/widgets/src/comparison/alignment.js";
import { linkOf } from "../../embviz/widgets/src/comparison/linked_clocks.js";
import { clockOf } from "../../embviz/widgets/src/player/clock.js";

globalThis.requestAnimationFrame = () => 0;
globalThis.cancelAnimationFrame = () => {};

/** An audio element that seeks when the test says so. */
class FakeMedia extends EventTarget {
  readyState = 4;
  paused = true;
  seeking = false;
  #time = 0;
  seeks = [];
  slow = false;
  get currentTime() {
    return this.#time;
  }
  set currentTime(seconds) {
    this.#time = seconds;
    this.seeks.push(seconds);
    this.seeking = this.slow;
  }
  landed() {
    this.seeking = false;
    this.dispatchEvent(new Event("seeked"));
  }
  async play() {
    this.paused = false;
    this.dispatchEvent(new Event("play"));
  }
  pause() {
    if (this.paused) return;
    this.paused = true;
    this.dispatchEvent(new Event("pause"));
  }
  at(seconds) {
    this.#time = seconds;
    this.dispatchEvent(new Event("timeupdate"));
  }
}

// The second track begins 10 s into the first, and is twice as fast.
const path = pathOf(Float32Array.from([10, 0, 20, 5, 30, 10, 50, 20]));
const map = {
  counterpart: (seconds, side) => counterpart(path, seconds, side),
  viewOfOther: (view, side) => viewOfOther(path, view, side, [60, 20]),
};

let number = 0;
let clocks;
let media;
let links;
let changes;
let view;
beforeEach(() => {
  number += 1;
  changes = 0;
  media = [new FakeMedia(), new FakeMedia()];
  clocks = [0, 1].map((side) => clockOf(`${number} ${side}`));
  clocks[0].load(60);
  clocks[1].load(20);
  clocks.forEach((clock, side) => clock.attach(media[side]));
  view = new AbortController();
  links = linkOf(clocks, map, { signal: view.signal, changed: () => (changes += 1) });
});

test("moments of one belong to moments of the other, also beyond what is aligned", () => {
  assert.deepEqual(path.map((column) => [...column]), [[10, 20, 30, 50], [0, 5, 10, 20]]);
  assert.equal(counterpart(path, 15, 0), 2.5);
  assert.equal(counterpart(path, 2.5, 1), 15);
  assert.equal(counterpart(path, 40, 0), 15);
  assert.equal(counterpart(path, 4, 0), -6);
  assert.equal(counterpart(path, 21, 1), 51);
  assert.equal(counterpart(pathOf(new Float32Array(0)), 7, 0), 7);
  // A stretch that the other does not have.
  const waits = pathOf(Float32Array.from([0, 0, 5, 5, 9, 5, 14, 10]));
  assert.equal(counterpart(waits, 7, 0), 5);
  assert.ok([5, 9].includes(counterpart(waits, 5, 1)));
});

test("lines lead from moments above to those below, and those out of sight are left out", () => {
  const lines = linesOf(path, [[0, 60], [0, 20]], 600, 100);
  assert.deepEqual(lines, [[100, 0], [200, 150], [300, 300], [400, 450], [500, 600]]);
  assert.deepEqual(linesOf(path, [[0, 5], [20.5, 21]], 600), []);
  assert.deepEqual(linesOf(pathOf(new Float32Array(0)), [[0, 60], [0, 20]], 600), []);
  assert.deepEqual(linesOf(path, [[0, 0], [0, 20]], 600), []);
});

test("what is zoomed into of one is shown of the other, and all of both", () => {
  assert.deepEqual(viewOfOther(path, [20, 30], 0, [60, 20]), [5, 10]);
  assert.deepEqual(viewOfOther(path, [0, 60], 0, [60, 20]), [0, 20]);
  links.link(true);
  clocks[0].setView(20, 30);
  assert.deepEqual(clocks[1].view, [5, 10]);
  clocks[1].setView(0, 20);
  assert.deepEqual(clocks[0].view, [0, 60]);
});

test("linked, who seeks in one seeks in the other; let go, each has its own time", () => {
  links.link(true);
  clocks[0].seek(30);
  assert.equal(clocks[1].time, 10);
  clocks[1].seek(5);
  assert.equal(clocks[0].time, 20);
  links.link(false);
  clocks[0].seek(50);
  assert.equal(clocks[1].time, 5);
});

test("while one plays, the playhead of the other follows, and its sound only once it is heard", async () => {
  links.link(true);
  clocks[0].seek(20);
  await clocks[0].play();
  media[1].seeks = [];
  media[0].at(24);
  assert.equal(clocks[1].time, 7);
  assert.deepEqual(media[1].seeks, []);
  media[0].pause();
  media[1].dispatchEvent(new Event("timeupdate"));
  assert.equal(clocks[1].time, 7);
  await clocks[1].play();
  assert.equal(media[1].currentTime, 7);
  assert.equal(links.sounding, 1);
});

test("the other is ready and sounds before the first is silent", async () => {
  links.link(true);
  clocks[0].seek(20);
  await clocks[0].play();
  media[1].slow = true;
  const said = [];
  for (const side of [0, 1]) for (const kind of ["play", "pause"]) media[side].addEventListener(kind, () => said.push([side, kind]));
  const done = links.choose(1);
  assert.equal(links.sounding, 1);
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.deepEqual(said, [], "it waits until the sound is there");
  // A little ahead of where the first is, so that both meet.
  assert.ok(media[1].currentTime > 5 && media[1].currentTime < 5.2, media[1].currentTime);
  media[1].landed();
  await done;
  assert.deepEqual(said, [[1, "play"], [0, "pause"]]);
  assert.ok(clocks[1].playing && !clocks[0].playing);
});

test("what sounds is not pulled back by the one that falls silent", async () => {
  links.link(true);
  clocks[0].seek(20);
  await clocks[0].play();
  const { pause } = media[0];
  media[0].pause = () => {};
  await links.choose(1);
  media[1].seeks = [];
  media[0].at(20.5);
  pause.call(media[0]);
  media[0].at(20.6);
  assert.deepEqual(media[1].seeks, []);
  assert.ok(clocks[1].playing && !clocks[0].playing);
  clocks[0].seek(40);
  assert.deepEqual(media[1].seeks, [15], "who is told where to be moves it");
});

test("who pauses meanwhile is not answered with music", async () => {
  links.link(true);
  await clocks[0].play();
  media[1].slow = true;
  const done = links.choose(1);
  clocks[0].pause();
  media[1].landed();
  await done;
  assert.deepEqual([clocks[0].playing, clocks[1].playing], [false, false]);
});

test("tracks that have nothing in common sound by turns, where each of them stands", async () => {
  clocks[1].seek(3);
  await clocks[0].play();
  await links.choose(1);
  assert.deepEqual([clocks[0].playing, clocks[1].playing, clocks[1].time], [false, true, 3]);
  await clocks[0].play();
  assert.deepEqual([links.sounding, clocks[1].playing], [0, false]);
});

test("a track that comes late does not move the one that is there", () => {
  links.link(true);
  clocks[0].seek(30);
  clocks[1].load(18);
  assert.equal(clocks[0].time, 30);
  assert.equal(clocks[1].time, 10);
});

test("two views of both pull at them once, and the last one lets them go", () => {
  const second = new AbortController();
  assert.equal(linkOf(clocks, map, { signal: second.signal, changed: () => (changes += 1) }), links);
  links.link(true);
  assert.equal(changes, 2, "both views are told");
  view.abort();
  clocks[0].seek(30);
  assert.equal(clocks[1].time, 10);
  second.abort();
  clocks[0].seek(20);
  assert.equal(clocks[1].time, 10);
  assert.equal(clocks[0].partners.size, 0);
});
