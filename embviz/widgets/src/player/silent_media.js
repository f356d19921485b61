/**
 * What stands in for an audio element where a computer has no sound device: time goes on, and nothing is heard.
 */
import { clamp } from "../base/time.js";

/** What the reader is told meanwhile. */
export const NO_DEVICE = "No sound device was found: the playhead runs silently. Reload the page once there is one.";

const UPDATE = 250; // milliseconds between two events while time goes on, as with a browser's elements

/**
 * Whether an element failed because there is nothing to play on, rather than for its sound.
 *
 * Browsers give the code of a sound that cannot be decoded, and the cause in their own words: Firefox has a media sink,
 * Chromium an audio renderer.
 * @param {{error?: {message?: string} | null}} media
 */
export function lacksDevice({ error }) {
  return /media_?sink|audio_renderer/i.test(error?.message ?? "");
}

/** The part of an HTMLMediaElement that a clock knows. */
export class SilentMedia extends EventTarget {
  readyState = 4;
  seeking = false;
  paused = true;
  ended = false;
  volume = 1;
  muted = false;
  preservesPitch = true;
  #duration;
  #rate = 1;
  #anchor = { time: 0, at: 0 };
  #timer = 0;

  /** @param {number} duration in seconds */
  constructor(duration) {
    super();
    this.#duration = duration;
  }

  get currentTime() {
    const { time, at } = this.#anchor;
    if (this.paused) return time;
    return Math.min(time + ((performance.now() - at) / 1000) * this.#rate, this.#duration);
  }

  set currentTime(seconds) {
    this.ended = false;
    this.#anchor = { time: clamp(seconds, 0, this.#duration), at: performance.now() };
    this.#wait();
  }

  get playbackRate() {
    return this.#rate;
  }

  set playbackRate(rate) {
    this.#anchor = { time: this.currentTime, at: performance.now() };
    this.#rate = rate;
    this.#wait();
  }

  async play() {
    if (!this.paused) return;
    if (this.ended) this.currentTime = 0;
    this.#anchor.at = performance.now();
    this.paused = false;
    this.#wait();
    this.dispatchEvent(new Event("play"));
  }

  pause() {
    if (this.paused) return;
    this.#anchor.time = this.currentTime;
    this.paused = true;
    clearTimeout(this.#timer);
    this.dispatchEvent(new Event("pause"));
  }

  #wait() {
    clearTimeout(this.#timer);
    if (this.paused) return;
    const rest = ((this.#duration - this.currentTime) / this.#rate) * 1000;
    this.#timer = Number(setTimeout(() => this.#update(), Math.min(rest, UPDATE)));
  }

  #update() {
    this.dispatchEvent(new Event("timeupdate"));
    if (this.paused) return;
    if (this.currentTime < this.#duration) {
      this.#wait();
      return;
    }
    this.pause();
    this.ended = true;
    this.dispatchEvent(new Event("ended"));
  }
}
