/**
 * What is heard of a sheet: one moment from its start to its stop, or all in order.
 *
 * It has a clock of its own, on which a moment begins at 0; the page hears one clock at a time, so a player stops when a
 * moment begins, and the other way round. Sound comes from the Jupyter server where that has the file; else as the
 * moment alone, from the kernel or, where there is none, from the page.
 */
import { bytesOf } from "../base/buffers.js";
import { onMessage } from "../base/dom.js";
import { addressOf, baseUrl } from "../base/server.js";
import { uid } from "../base/ui.js";
import { clockOf, dropClock } from "../player/clock.js";
import { lacksDevice } from "../player/silent_media.js";

/**
 * @import { Message, Model } from "../types.js"
 * @typedef {{title: string, rank: number, start: number, stop: number, value: number | null, place: number | null,
 *   hertz: number[], shape: [number, number], url: string, offset: number, bytes: number, problem: string}} Moment
 */

const PATIENCE = 30_000; // ms, in which a kernel decodes a long track
const END = 0.005; // seconds before the end that are the end
const SILENT = "The browser cannot decode this sound.";
const NO_ANSWER =
  "The kernel does not send the sound: it is busy, or was restarted; run the cells above and this one again.";

/**
 * The moment that follows one, of those that can be heard; -1 where there is none.
 * @param {Pick<Moment, "problem">[]} items @param {number} index
 */
export function nextHeard(items, index) {
  return items.findIndex(({ problem }, i) => i > index && !problem);
}

/**
 * The sounds of a page without a kernel.
 * @param {Uint8Array} bytes one behind the other @param {Pick<Moment, "bytes">[]} items
 */
export function clipsOf(bytes, items) {
  let at = 0;
  return items.map(({ bytes: length }) => {
    at += length;
    return bytes.subarray(at - length, at);
  });
}

export class Playback {
  index = -1; // the moment that was played last
  all = false; // whether the next one follows
  waiting = false; // for sound
  /** A sentence on what is heard, or is not; else empty. */
  note = "";
  /** @type {Map<number, string>} sentences on moments that cannot be heard */
  problems = new Map();
  #name = uid("moments");
  clock = clockOf(this.#name);
  #element = new Audio();
  /** @type {Map<number, string>} addresses of sound that was sent */
  #clips = new Map();
  /** @type {Set<number>} */
  #asked = new Set();
  #from = "";
  #running = false; // whether the moment has begun to sound, and not ended
  #turn = 0;
  #patience = 0;

  /**
   * @param {Model} model
   * @param {{changed: () => void, moved: () => void, signal: AbortSignal}} options `moved` is called while it plays
   */
  constructor(model, { changed, moved, signal }) {
    this.model = model;
    this.changed = changed;
    const element = this.#element;
    element.preload = "auto";
    element.addEventListener("error", () => this.#refused(), { signal });
    element.addEventListener("ended", () => this.#running && this.#finished(), { signal });
    onMessage(model, (content, buffers) => this.#told(content, buffers), signal);
    this.clock.on("time", () => (this.#running && this.#atEnd ? this.#finished() : moved()), { signal });
    this.clock.on("state", () => this.#stated(), { signal });
    signal.addEventListener("abort", () => this.#end(), { once: true });
  }

  /** @returns {Moment[]} */
  get items() {
    return this.model.get("items") ?? [];
  }

  get playing() {
    return this.waiting || this.clock.playing;
  }

  /** How far the moment is, 0 to 1. */
  get share() {
    const { time, duration } = this.clock;
    return duration ? time / duration : 0;
  }

  get #atEnd() {
    return this.clock.duration > 0 && this.clock.time >= this.clock.duration - END;
  }

  /** Play a moment from its start. @param {number} index @param {boolean} [all] whether others follow */
  play(index, all = false) {
    if (!this.items[index]) return;
    this.#still();
    this.#running = false;
    this.clock.pause();
    this.index = index;
    this.all = all;
    this.note = "";
    this.problems.delete(index);
    this.clock.load(this.items[index].stop - this.items[index].start);
    this.#open(index);
    this.changed();
  }

  /** Play all from the first that can be heard. */
  playAll() {
    const first = nextHeard(this.items, -1);
    if (first >= 0) this.play(first, true);
  }

  /** Play a moment, or stop it where it plays. @param {number} index */
  toggle(index) {
    if (this.index === index && this.playing) this.stop();
    else this.play(index);
  }

  stop() {
    this.#still();
    this.all = false;
    this.clock.pause();
    this.changed();
  }

  /** Forget what was sent: other moments are shown. */
  reset() {
    this.stop();
    for (const address of this.#clips.values()) URL.revokeObjectURL(address);
    this.#clips.clear();
    this.#asked.clear();
    this.problems.clear();
    this.index = -1;
    this.note = "";
  }

  #end() {
    this.reset();
    this.clock.attach(null);
    this.#element.removeAttribute("src");
    dropClock(this.#name);
  }

  /** @param {number} index */
  #open(index) {
    const { start, offset } = this.items[index];
    const address = this.#addressOf(index);
    const clip = this.#clipOf(index);
    if (clip) this.#source(clip, "clip", 0);
    else if (address && this.#from !== `lost ${index}`) this.#source(address, "url", offset - start);
    else this.#ask(index);
  }

  /** Where the server has the file; empty where it has not. @param {number} index */
  #addressOf(index) {
    return addressOf(this.items[index].url, baseUrl());
  }

  /** The address of a moment's own sound; empty where it is not here. @param {number} index */
  #clipOf(index) {
    if (this.model.get("static") && !this.#clips.has(index)) {
      const bytes = clipsOf(bytesOf(this.model.get("sounds")), this.items)[index];
      if (bytes.length) this.#keep(index, bytes, this.model.get("mime"));
    }
    return this.#clips.get(index) ?? "";
  }

  /** @param {number} index @param {Uint8Array} bytes @param {string} type */
  #keep(index, bytes, type) {
    const part = /** @type {Uint8Array<ArrayBuffer>} */ (bytes);
    this.#clips.set(index, URL.createObjectURL(new Blob([part], { type })));
  }

  /** @param {string} address @param {"clip" | "url"} from @param {number} offset of its beginning on the clock */
  #source(address, from, offset) {
    this.#from = from;
    this.#element.src = address;
    this.clock.attach(this.#element, offset);
    this.waiting = true;
    const turn = this.#turn;
    this.clock.play().then(() => {
      if (turn !== this.#turn) return;
      this.#still();
      this.note = this.clock.problem;
      this.changed();
    });
    // What follows is made meanwhile.
    const next = this.all ? nextHeard(this.items, this.index) : -1;
    if (next >= 0 && !this.#clipOf(next) && !this.#addressOf(next)) this.#request(next);
  }

  /** @param {number} index */
  #ask(index) {
    if (this.model.get("static")) {
      this.#fail(index, this.items[index].problem || "The sound of this moment is not in this page.");
      return;
    }
    this.waiting = true;
    clearTimeout(this.#patience);
    this.#patience = Number(setTimeout(() => this.waiting && this.#fail(index, NO_ANSWER), PATIENCE));
    this.#request(index);
  }

  /** @param {number} index */
  #request(index) {
    if (this.#asked.has(index)) return;
    this.#asked.add(index);
    this.model.send?.({ kind: "sound", index, serial: this.model.get("serial") });
  }

  /** @param {Message} content of Python @param {DataView[]} buffers */
  #told({ kind, index, serial, mime, problem }, buffers) {
    // Of two windows with the same notebook, one plays.
    if (kind === "play" && !document.hidden) this.play(index, true);
    else if (kind === "stop") this.stop();
    else if (kind === "sound" && serial === this.model.get("serial") && this.#asked.delete(index)) {
      if (!problem) this.#keep(index, bytesOf(buffers[0]), mime);
      const meant = this.waiting && index === this.index;
      if (problem) this.problems.set(index, problem);
      if (meant && problem) this.#fail(index, problem);
      else if (meant) {
        this.#still();
        this.#source(this.#clipOf(index), "clip", 0);
      }
      this.changed();
    }
  }

  #refused() {
    const element = this.#element;
    if (!element.getAttribute("src")) return;
    if (lacksDevice(element)) this.clock.runSilently();
    else if (this.#from === "url") {
      this.#still();
      this.#running = false;
      this.#from = `lost ${this.index}`;
      this.clock.attach(null);
      this.#open(this.index);
    } else this.#fail(this.index, SILENT);
    this.changed();
  }

  /** What cannot be heard is said on its tile, and the others go on. @param {number} index @param {string} problem */
  #fail(index, problem) {
    this.#still();
    this.problems.set(index, problem);
    this.clock.attach(null);
    if (this.all) this.#goOn();
    this.changed();
  }

  #finished() {
    if (this.waiting) return;
    this.#running = false;
    this.clock.pause();
    if (this.all) this.#goOn();
    this.changed();
  }

  #goOn() {
    const heard = this.items.map(({ problem }, i) => ({ problem: problem || this.problems.get(i) || "" }));
    const next = nextHeard(heard, this.index);
    if (next >= 0) this.play(next, true);
    else this.all = false;
  }

  #stated() {
    const { playing, problem } = this.clock;
    // While another way to the sound is tried, nothing is wrong yet.
    this.note = this.waiting ? "" : problem;
    const ended = this.#running && !playing;
    this.#running = playing;
    if (ended && this.#atEnd) this.#finished();
    // Another sound of the page has begun.
    else if (ended) this.all = false;
    this.changed();
  }

  #still() {
    this.#turn += 1;
    this.waiting = false;
    clearTimeout(this.#patience);
  }
}
