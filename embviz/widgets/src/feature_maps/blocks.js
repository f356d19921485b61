/**
 * The frames of a layer, in blocks that are asked for when they are needed, ahead of the playhead while it moves.
 */
import { bytesOf } from "../base/buffers.js";
import { decoded } from "../base/canvas.js";
import { onMessage, throttled } from "../base/dom.js";
import { clamp, frameAt, frameEdge } from "../base/time.js";

const BETWEEN = 100; // milliseconds from one question to the next
const PATIENCE = 4000; // milliseconds, after which an answer is not waited for any longer
const KEPT = 12_000_000; // cells in all blocks that are kept

/** @typedef {import("../base/time.js").Grid} Grid */
/**
 * @typedef {object} Block frames of one channel
 * @property {number} first
 * @property {number} count
 * @property {Uint8Array} codes [count, bands]
 * @property {Pooled} [pooled] over its bands
 * @property {ReturnType<typeof import("../base/time.js").evenRuns>} [runs] of frames that are evenly spaced
 * @property {HTMLCanvasElement} [image] in the colours of a look
 * @property {string} [look]
 * @typedef {{means: Float32Array, peaks: Float32Array}} Pooled NaN where there is none
 * @typedef {[number, number]} Frames the first, and one past the last
 */

/**
 * The stretch of time that a map shows: so many seconds around the playhead.
 * @param {number} time @param {number} seconds @returns {[number, number]}
 */
export function windowAt(time, seconds) {
  return [time - seconds / 2, time + seconds / 2];
}

/**
 * The frames whose cells lie in a window, clamped to those there are, empty where there are none.
 * @param {Grid} grid @param {[number, number]} window @returns {Frames}
 */
export function framesOf(grid, [from, to]) {
  if (!grid.n_frames || to <= frameEdge(grid, 0) || from >= frameEdge(grid, grid.n_frames)) return [0, 0];
  const last = frameAt(grid, to);
  return [frameAt(grid, from), frameEdge(grid, last) < to ? last + 1 : last];
}

/** Frames of a block: a power of two that holds what a window shows. @param {Grid} grid @param {number} seconds */
export function blockFrames(grid, seconds) {
  const shown = (seconds * grid.sample_rate) / grid.hop;
  return clamp(2 ** Math.ceil(Math.log2(Math.max(1, shown))), 16, 1024);
}

/**
 * What to ask for next: the first run of blocks that lacks a channel, with the channels that its first block lacks.
 * @param {[number, number]} frames that are needed @param {number} size frames of a block @param {number} t of all
 * @param {number[]} channels @param {(channel: number, block: number) => boolean} has
 * @returns {{first: number, count: number, channels: number[]} | null}
 */
export function missing([from, to], size, t, channels, has) {
  if (to <= from) return null;
  const last = Math.floor((to - 1) / size);
  for (let block = Math.floor(from / size); block <= last; block += 1) {
    const lacking = channels.filter((channel) => !has(channel, block));
    if (!lacking.length) continue;
    let end = block + 1;
    while (end <= last && lacking.every((channel) => !has(channel, end))) end += 1;
    return { first: block * size, count: Math.min(end * size, t) - block * size, channels: lacking };
  }
  return null;
}

/** Blocks of channels, the least recently used of which are forgotten. */
export class Blocks {
  /** @type {Map<string, Block>} */
  #kept = new Map();
  #cells = 0;

  /** @param {number} size frames of a block @param {number} bands @param {number} most cells to keep */
  constructor(size, bands, most = KEPT) {
    this.size = size;
    this.bands = bands;
    this.most = most;
  }

  /** @param {number} channel @param {number} block */
  has(channel, block) {
    return this.#kept.has(`${channel}:${block}`);
  }

  /** @param {number} channel @param {number} block @returns {Block | undefined} */
  get(channel, block) {
    const key = `${channel}:${block}`;
    const found = this.#kept.get(key);
    if (!found) return undefined;
    this.#kept.delete(key);
    this.#kept.set(key, found);
    return found;
  }

  /**
   * Take an answer, beginning at the first frame of a block.
   * @param {number} first @param {number} count @param {number[]} channels
   * @param {Uint8Array} bytes [channels, count, bands] @returns {boolean} whether it was one
   */
  put(first, count, channels, bytes) {
    const { size, bands } = this;
    if (first % size || bytes.length !== channels.length * count * bands) return false;
    channels.forEach((channel, i) => {
      for (let start = 0; start < count; start += size) {
        const frames = Math.min(size, count - start);
        const at = (i * count + start) * bands;
        this.#keep(`${channel}:${(first + start) / size}`, {
          first: first + start,
          count: frames,
          codes: bytes.subarray(at, at + frames * bands),
        });
      }
    });
    return true;
  }

  /** @param {string} key @param {Block} block */
  #keep(key, block) {
    this.#cells += block.codes.length - (this.#kept.get(key)?.codes.length ?? 0);
    this.#kept.delete(key);
    this.#kept.set(key, block);
    for (const [oldest, { codes }] of this.#kept) {
      if (this.#cells <= this.most || oldest === key) break;
      this.#kept.delete(oldest);
      this.#cells -= codes.length;
    }
  }
}

/**
 * Mean and highest value of each frame of a block, over its bands.
 * @param {Block} block @param {number} bands @param {[number, number]} range @returns {Pooled}
 */
export function overBands({ codes, count }, bands, [low, high]) {
  return pooled(count, bands, (frame, band) => codes[frame * bands + band], low, high);
}

/**
 * Mean and highest value of each band, over frames of some blocks.
 * @param {Block[]} blocks @param {number} bands @param {[number, number]} range @param {Frames} frames
 * @returns {Pooled}
 */
export function overTime(blocks, bands, [low, high], [from, to]) {
  /** @type {Uint8Array[]} */
  const columns = [];
  for (const { first, count, codes } of blocks) {
    for (let frame = Math.max(from, first); frame < Math.min(to, first + count); frame += 1) {
      columns.push(codes.subarray((frame - first) * bands, (frame - first + 1) * bands));
    }
  }
  return pooled(bands, columns.length, (band, frame) => columns[frame][band], low, high);
}

/**
 * @param {number} length @param {number} others that are pooled for each @param {(i: number, j: number) => number} codeAt
 * @param {number} low @param {number} high @returns {Pooled}
 */
function pooled(length, others, codeAt, low, high) {
  const [means, peaks] = [new Float32Array(length).fill(NaN), new Float32Array(length).fill(NaN)];
  for (let i = 0; i < length; i += 1) {
    let [sum, known, peak] = [0, 0, 0];
    for (let j = 0; j < others; j += 1) {
      const code = codeAt(i, j);
      if (!code) continue;
      sum += code - 1;
      known += 1;
      if (code > peak) peak = code;
    }
    if (!known) continue;
    means[i] = low + (sum / known / 254) * (high - low);
    peaks[i] = decoded(peak, low, high);
  }
  return { means, peaks };
}

/** Blocks of the layer that a model shows, asked of its kernel. */
export class Supply {
  /** @type {Map<string, number>} when a block was asked for */
  #asked = new Map();
  /** @type {number | null} when the wait began */
  #since = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #later;
  blocks = new Blocks(16, 0);
  t = 0;

  /**
   * @param {import("../types.js").Model} model
   * @param {{wanted: () => {channels: number[], frames: Frames, ahead: boolean} | null,
   *   onChange: () => void, signal: AbortSignal}} options `wanted` tells what is needed now, null where nothing is;
   *   `ahead` is whether the block behind it will be
   */
  constructor(model, { wanted, onChange, signal }) {
    this.model = model;
    this.wanted = wanted;
    this.onChange = onChange;
    this.ask = throttled(() => this.#request(), BETWEEN, signal);
    onMessage(model, (content, buffers) => this.#answered(content, buffers), signal);
    signal.addEventListener("abort", () => clearTimeout(this.#later), { once: true });
  }

  /**
   * Forget all blocks: they belong to another layer of t frames, or are of another size.
   * @param {number} t @param {number} bands @param {number} size frames of a block
   */
  start(t, bands, size) {
    this.#asked.clear();
    this.t = t;
    this.blocks = new Blocks(size, bands);
  }

  /** Keep all frames of some channels for good. @param {number[]} channels @param {Uint8Array} bytes */
  keep(channels, bytes) {
    this.blocks.most = Infinity;
    this.blocks.put(0, this.t, channels, bytes);
  }

  /**
   * The blocks of a channel that hold some frames, as far as they are there.
   * @param {number} channel @param {Frames} frames
   */
  of(channel, [from, to]) {
    /** @type {Block[]} */
    const found = [];
    for (let block = Math.floor(from / this.blocks.size); block * this.blocks.size < to; block += 1) {
      const one = this.blocks.get(channel, block);
      if (one) found.push(one);
    }
    return found;
  }

  /** The block of a channel that holds a frame. @param {number} channel @param {number} frame */
  at(channel, frame) {
    return this.blocks.get(channel, Math.floor(frame / this.blocks.size));
  }

  /** Whether what is needed has been waited for in vain. @param {number[]} channels @param {Frames} frames */
  late(channels, frames) {
    const { blocks, t } = this;
    const waiting = missing(frames, blocks.size, t, channels, (channel, block) => blocks.has(channel, block));
    return Boolean(waiting && this.#since && performance.now() - this.#since > PATIENCE);
  }

  /** Ask for the first of what is lacking now, or will be soon. */
  #request() {
    const wanted = this.wanted();
    if (!wanted) return;
    const { blocks, t } = this;
    const asked = this.#asked;
    const now = performance.now();
    const [from, to] = wanted.frames;
    const ahead = wanted.ahead ? blocks.size : 0;
    const has = (/** @type {number} */ channel, /** @type {number} */ block) =>
      blocks.has(channel, block) || now - (asked.get(`${channel}:${block}`) ?? -Infinity) < PATIENCE;
    const next = missing([from, Math.min(to + ahead, t)], blocks.size, t, wanted.channels, has);
    if (!next) return;
    for (const channel of next.channels) {
      for (let i = 0; i < next.count; i += blocks.size) asked.set(`${channel}:${(next.first + i) / blocks.size}`, now);
    }
    this.#since ??= now;
    this.model.send?.({ kind: "block", ...next, serial: this.model.get("serial") });
    this.ask();
    clearTimeout(this.#later);
    this.#later = setTimeout(() => {
      this.onChange();
      this.ask();
    }, PATIENCE + 50);
  }

  /** @param {import("../types.js").Message} content @param {DataView[]} buffers */
  #answered(content, buffers) {
    if (content.kind !== "block" || content.serial !== this.model.get("serial")) return;
    const { first, count, channels } = content;
    if (!this.blocks.put(first, count, channels, bytesOf(buffers[0]))) return;
    for (const channel of channels) {
      for (let i = first; i < first + count; i += this.blocks.size) {
        this.#asked.delete(`${channel}:${i / this.blocks.size}`);
      }
    }
    this.#since = this.#asked.size ? performance.now() : null;
    this.onChange();
  }
}
