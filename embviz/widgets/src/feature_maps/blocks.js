// @ts-nocheck
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
/** @typedef {{first: number, count: number, codes: Uint8Array}} Block codes of [count, bands] */

/** The stretch of time that a map shows: so many seconds around the playhead. @returns {[number, number]} */
export function windowAt(time, seconds) {
  return [time - seconds / 2, time + seconds / 2];
}

/** The frames whose cells lie in a window, clamped to those there are: [from, to), empty where there are none. */
export function framesOf(grid, [from, to]) {
  if (!grid.n_frames || to <= frameEdge(grid, 0) || from >= frameEdge(grid, grid.n_frames)) return [0, 0];
  const last = frameAt(grid, to);
  return [frameAt(grid, from), frameEdge(grid, last) < to ? last + 1 : last];
}

/** Frames of a block: a power of two that holds what a window shows. */
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
  #kept = new Map();
  #cells = 0;

  /** @param {number} size frames of a block @param {number} bands @param {number} most cells to keep */
  constructor(size, bands, most = KEPT) {
    Object.assign(this, { size, bands, most });
  }

  has(channel, block) {
    return this.#kept.has(`${channel}:${block}`);
  }

  /** @returns {Block | undefined} */
  get(channel, block) {
    const key = `${channel}:${block}`;
    const found = this.#kept.get(key);
    if (!found) return undefined;
    this.#kept.delete(key);
    this.#kept.set(key, found);
    return found;
  }

  /** Take an answer: bytes of [channels, count, bands], beginning at the first frame of a block. */
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

/** Mean and highest value of each frame of a block, over its bands; NaN where there is none. */
export function overBands({ codes, count }, bands, [low, high]) {
  return pooled(count, bands, (frame, band) => codes[frame * bands + band], low, high);
}

/** Mean and highest value of each band, over frames [from, to) of some blocks; NaN where there is none. */
export function overTime(blocks, bands, [low, high], [from, to]) {
  const columns = [];
  for (const { first, count, codes } of blocks) {
    for (let frame = Math.max(from, first); frame < Math.min(to, first + count); frame += 1) {
      columns.push(codes.subarray((frame - first) * bands, (frame - first + 1) * bands));
    }
  }
  return pooled(bands, columns.length, (band, frame) => columns[frame][band], low, high);
}

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
  #asked = new Map(); // when a block was asked for
  #since = null; // when the wait began
  #later = 0;

  /**
   * @param {{get: Function, send: Function}} model
   * @param {{wanted: () => {channels: number[], frames: [number, number], ahead: boolean} | null,
   *   onChange: () => void, signal: AbortSignal}} options `wanted` tells what is needed now, null where nothing is;
   *   `ahead` is whether the block behind it will be
   */
  constructor(model, { wanted, onChange, signal }) {
    Object.assign(this, { model, wanted, onChange, blocks: new Blocks(16, 0), t: 0 });
    this.ask = throttled(() => this.#request(), BETWEEN, signal);
    onMessage(model, (content, buffers) => this.#answered(content, buffers), signal);
    signal.addEventListener("abort", () => clearTimeout(this.#later), { once: true });
  }

  /** Forget all blocks: they belong to another layer of t frames, or are of another size. */
  start(t, bands, size) {
    this.#asked.clear();
    this.t = t;
    this.blocks = new Blocks(size, bands);
  }

  /** Keep all frames of some channels for good. */
  keep(channels, bytes) {
    this.blocks.most = Infinity;
    this.blocks.put(0, this.t, channels, bytes);
  }

  /** The blocks of a channel that hold frames [from, to), as far as they are there. @returns {Block[]} */
  of(channel, [from, to]) {
    const found = [];
    for (let block = Math.floor(from / this.blocks.size); block * this.blocks.size < to; block += 1) {
      const one = this.blocks.get(channel, block);
      if (one) found.push(one);
    }
    return found;
  }

  /** The block of a channel that holds a frame. @returns {Block | undefined} */
  at(channel, frame) {
    return this.blocks.get(channel, Math.floor(frame / this.blocks.size));
  }

  /** Whether what is needed has been waited for in vain. */
  late(channels, frames) {
    const { blocks, t } = this;
    const waiting = missing(frames, blocks.size, t, channels, (...place) => blocks.has(...place));
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
    const has = (channel, block) =>
      blocks.has(channel, block) || now - (asked.get(`${channel}:${block}`) ?? -Infinity) < PATIENCE;
    const next = missing([from, Math.min(to + ahead, t)], blocks.size, t, wanted.channels, has);
    if (!next) return;
    for (const channel of next.channels) {
      for (let i = 0; i < next.count; i += blocks.size) asked.set(`${channel}:${(next.first + i) / blocks.size}`, now);
    }
    this.#since ??= now;
    this.model.send({ kind: "block", ...next, serial: this.model.get("serial") });
    this.ask();
    clearTimeout(this.#later);
    this.#later = setTimeout(() => (this.onChange(), this.ask()), PATIENCE + 50);
  }

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
