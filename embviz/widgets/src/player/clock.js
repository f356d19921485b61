/**
 * The one clock: what all views of a track share. It lives in the page and needs no kernel.
 *
 * Every widget is a module of its own, so clocks are kept by name where all modules of a page find them.
 */
import { clamp, fitted, following, orderedRange, panned, zoomed } from "../base/time.js";
import { lacksDevice, NO_DEVICE, SilentMedia } from "./silent_media.js";

/**
 * @typedef {"time" | "state" | "view" | "hover"} Kind
 * @typedef {HTMLMediaElement | SilentMedia} Media
 */

const CLOCKS = Symbol.for("embviz.clocks");
const SPEEDS = { slowest: 0.5, fastest: 2 };

/**
 * The clock of this name; made if there is none.
 * @param {string} name @returns {Clock}
 */
export function clockOf(name) {
  const clocks = clocksOfPage();
  const clock = clocks.get(name) ?? new Clock();
  clocks.set(name, clock);
  return clock;
}

/** Let go of a clock that nobody else follows. @param {string} name */
export function dropClock(name) {
  clocksOfPage().delete(name);
}

/** @returns {Map<string, Clock>} */
function clocksOfPage() {
  const page = /** @type {Record<symbol, Map<string, Clock>>} */ (/** @type {unknown} */ (globalThis));
  page[CLOCKS] ??= new Map();
  return page[CLOCKS];
}

/**
 * Tells its listeners ("time", "state", "view", "hover") what has changed:
 * time   the playhead: once per animation frame while it moves, and after a seek;
 * state  playing, rate, volume, muted, range, looping, boundaries, duration, media, problem;
 * view   the stretch of time that the plots show;
 * hover  the time under the pointer, or null.
 */
export class Clock {
  /** @type {Record<Kind, Set<(clock: Clock) => void>>} */
  #listeners = { time: new Set(), state: new Set(), view: new Set(), hover: new Set() };
  #time = 0;
  #anchor = { media: -1, at: 0 };
  #frame = 0;
  /** @type {Media | null} */
  #media = null;
  #offset = 0;
  #detach = new AbortController();
  #pinned = false;
  #placed = false; // whether the media stands where the playhead does

  /** How often it was told where to be; else, the playhead goes on by itself. */
  seeks = 0;
  duration = 0;
  playing = false;
  rate = 1;
  volume = 1;
  muted = false;
  /** @type {[number, number] | null} */
  range = null;
  looping = false;
  /** @type {[number, number]} */
  view = [0, 0];
  /** @type {number[]} boundaries of sections that were found, in seconds and in order */
  boundaries = [];
  /** @type {number | null} */
  hover = null;
  /** A sentence, where play was refused or nothing can be heard; else empty. */
  problem = "";
  /** @type {Set<Clock>} those that it does not stop when it begins, as others of the page: who links them does that */
  partners = new Set();
  /** Whether it runs by itself, as there is no sound device; until another track. */
  silent = false;
  /** @type {import("./audio_engine.js").Voice | undefined} the sound of its track */
  voices;

  /**
   * Call back on a kind of change until the signal is aborted; returns what stops it, too.
   * @param {Kind} kind @param {(clock: Clock) => void} listener @param {{signal?: AbortSignal}} [options]
   */
  on(kind, listener, { signal } = {}) {
    if (signal?.aborted) return () => {};
    const off = () => this.#listeners[kind].delete(listener);
    this.#listeners[kind].add(listener);
    signal?.addEventListener("abort", off, { once: true });
    return off;
  }

  /** @param {Kind} kind */
  #tell(kind) {
    for (const listener of [...this.#listeners[kind]]) listener(this);
  }

  /** The playhead in seconds. */
  get time() {
    return this.#time;
  }

  get media() {
    return this.#media;
  }

  /** Where in its sound the element is when the playhead is where it is. */
  get #place() {
    return Math.max(0, this.#time - this.#offset);
  }

  /**
   * Begin a new track, of which nothing is known but its length; the sound of the one before is let go.
   * @param {number} duration in seconds
   */
  load(duration) {
    this.silent = false;
    this.attach(null);
    Object.assign(this, { duration, range: null, looping: false, view: [0, duration], hover: null, problem: "" });
    this.#time = 0;
    this.#pinned = false;
    this.#tell("state");
    this.#tell("view");
    this.#tell("time");
    this.#tell("hover");
  }

  /**
   * Let an audio element lead; null takes it away. Where there is no sound device, none does.
   * @param {HTMLMediaElement | null} media
   * @param {number} [offset] second of the track at which the element's sound begins
   */
  attach(media, offset = 0) {
    if (!this.silent) this.#attach(media, offset);
    else if (!media) this.pause();
  }

  /** Go on without a sound device: time runs by itself, on from where it is, and nothing is heard. */
  runSilently() {
    if (this.silent) return;
    const wanted = this.playing;
    this.silent = true;
    this.problem = NO_DEVICE;
    this.#attach(new SilentMedia(this.duration), 0);
    if (wanted) this.play();
  }

  /** @param {Media | null} media @param {number} offset */
  #attach(media, offset) {
    this.#detach.abort();
    this.#detach = new AbortController();
    const options = { signal: this.#detach.signal };
    const before = this.#media;
    if (before && before !== media) before.pause();
    this.#media = media;
    this.#offset = offset;
    this.#anchor = { media: -1, at: 0 };
    this.#placed = false;
    this.playing = Boolean(media && !media.paused);
    if (media) {
      media.playbackRate = this.rate;
      media.preservesPitch = true;
      media.volume = this.volume;
      media.muted = this.muted;
      const seekable = () => {
        this.#placed = true;
        if (Math.abs(media.currentTime - this.#place) > 0.01) media.currentTime = this.#place;
      };
      if (media.readyState >= 1) seekable();
      else media.addEventListener("loadedmetadata", seekable, { ...options, once: true });
      media.addEventListener("play", () => this.#started(), options);
      media.addEventListener("pause", () => this.#stopped(), options);
      media.addEventListener("ended", () => this.#ended(), options);
      // Animation frames rest while the page is hidden; loops must not.
      media.addEventListener("timeupdate", () => this.#follow(), options);
      if (this.playing) this.#run();
    }
    this.#tell("state");
  }

  /** @returns {Promise<boolean>} whether it plays; where not, `problem` says why */
  async play() {
    const media = this.#media;
    if (!media) return false;
    if (!this.#placed && media.readyState >= 1) this.seek(this.#time);
    if (this.range && this.looping && (this.#time < this.range[0] || this.#time >= this.range[1] - 0.01)) {
      this.seek(this.range[0]);
    } else if (this.#time >= this.duration - 0.01) {
      this.seek(0);
    }
    try {
      await media.play();
      this.problem = this.silent ? NO_DEVICE : "";
      return true;
    } catch (error) {
      return this.#refused(media, /** @type {Error} */ (error).name);
    }
  }

  /** @param {Media} media @param {string} why the name of an error */
  #refused(media, why) {
    // A pause or another track before the sound began is nobody's fault.
    if (why === "AbortError" || media !== this.#media) return false;
    if (media instanceof SilentMedia) return false;
    if (lacksDevice(media)) {
      this.playing = true;
      this.runSilently();
      return true;
    }
    this.problem =
      why === "NotAllowedError"
        ? "The browser plays no sound before it has been clicked: press play once more."
        : "The browser cannot play this sound.";
    this.playing = false;
    this.#tell("state");
    return false;
  }

  pause() {
    this.#media?.pause();
  }

  toggle() {
    return this.playing ? this.pause() : this.play();
  }

  /** Move the playhead. @param {number} seconds */
  seek(seconds) {
    this.seeks += 1;
    this.#time = clamp(seconds, 0, this.duration);
    this.#anchor = { media: -1, at: 0 };
    if (this.#media && this.#media.readyState >= 1) {
      this.#media.currentTime = this.#place;
      this.#placed = true;
    }
    this.#pinned = false;
    this.#turnPage();
    this.#tell("time");
  }

  /**
   * Move the playhead, as often as one likes, while nothing is heard of it: the sound follows when it is played.
   * @param {number} seconds
   */
  point(seconds) {
    this.#time = clamp(seconds, 0, this.duration);
    this.#placed = false;
    this.#turnPage();
    this.#tell("time");
  }

  /** @param {number} rate */
  setRate(rate) {
    this.rate = clamp(rate, SPEEDS.slowest, SPEEDS.fastest);
    if (this.#media) this.#media.playbackRate = this.rate;
    this.#anchor = { media: -1, at: 0 };
    this.#tell("state");
  }

  /** @param {number} volume from 0 to 1 */
  setVolume(volume, muted = false) {
    this.volume = clamp(volume, 0, 1);
    this.muted = muted;
    if (this.#media) Object.assign(this.#media, { volume: this.volume, muted });
    this.#tell("state");
  }

  /**
   * Select a range of seconds, in any order; anything too short selects nothing.
   * @param {number | null} a @param {number} [b]
   */
  setRange(a, b = 0) {
    this.range = a == null ? null : orderedRange(a, b, this.duration);
    if (!this.range) this.looping = false;
    this.#tell("state");
  }

  /** @param {boolean} looping */
  setLooping(looping) {
    this.looping = Boolean(looping && this.range);
    if (this.looping && this.range && (this.#time < this.range[0] || this.#time >= this.range[1]))
      this.seek(this.range[0]);
    this.#tell("state");
  }

  /** @param {number[]} boundaries of sections in seconds, in order */
  setBoundaries(boundaries) {
    this.boundaries = boundaries;
    this.#tell("state");
  }

  /** @param {number} from @param {number} to seconds */
  setView(from, to) {
    const [a, b] = fitted([from, to], this.duration);
    if (a === this.view[0] && b === this.view[1]) return;
    this.view = [a, b];
    // Who looks elsewhere while the music plays is not pulled back until the playhead comes by.
    this.#pinned = this.#time < a || this.#time >= b;
    this.#tell("view");
  }

  /** @param {number} around seconds @param {number} factor */
  zoom(around, factor) {
    this.setView(...zoomed(this.view, around, factor, this.duration));
  }

  /** @param {number} seconds */
  pan(seconds) {
    this.setView(...panned(this.view, seconds, this.duration));
  }

  /** @param {number | null} seconds */
  setHover(seconds) {
    if (this.hover === seconds) return;
    this.hover = seconds;
    this.#tell("hover");
  }

  #started() {
    this.playing = true;
    this.problem = this.silent ? NO_DEVICE : "";
    // Of all tracks of a page, one is heard.
    for (const other of this.#others()) other.pause();
    this.#run();
    this.#tell("state");
  }

  /** Clocks of the page that run, too; those that another version of embviz has made are among them. */
  #others() {
    const runs = (/** @type {Clock} */ { media }) => media && !media.paused;
    return [...clocksOfPage().values()].filter((other) => other !== this && !this.partners.has(other) && runs(other));
  }

  #stopped() {
    this.playing = false;
    cancelAnimationFrame(this.#frame);
    this.#follow();
    this.#tell("state");
  }

  #ended() {
    if (this.looping && this.range) {
      this.seek(this.range[0]);
      this.play();
    }
  }

  #run() {
    cancelAnimationFrame(this.#frame);
    const step = () => {
      this.#follow();
      if (this.playing) this.#frame = requestAnimationFrame(step);
    };
    this.#frame = requestAnimationFrame(step);
  }

  #follow() {
    // Media that has just become seekable is still at its beginning.
    if (!this.#placed || !this.#media || this.#media.readyState < 1 || this.#media.seeking) return;
    // Another one has begun since, and its version of embviz does not stop others.
    if (this.playing && this.#others().length) this.pause();
    this.#time = clamp(this.#heard(), 0, this.duration);
    if (this.looping && this.range && this.playing && this.#time >= this.range[1]) {
      this.seek(this.range[0]);
      return;
    }
    this.#turnPage();
    this.#tell("time");
  }

  /** What the element says comes in steps; between two of them the system's own clock goes on. */
  #heard() {
    const now = performance.now();
    const said = (this.#media?.currentTime ?? 0) + this.#offset;
    if (!this.playing || said !== this.#anchor.media) {
      this.#anchor = { media: said, at: now };
      return said;
    }
    return said + Math.min(((now - this.#anchor.at) / 1000) * this.rate, 0.1);
  }

  #turnPage() {
    if (this.#pinned && this.#time >= this.view[0] && this.#time < this.view[1]) this.#pinned = false;
    if (this.#pinned) return;
    const [a, b] = following(this.view, this.#time, this.duration);
    if (a === this.view[0]) return;
    this.view = [a, b];
    this.#tell("view");
  }
}
