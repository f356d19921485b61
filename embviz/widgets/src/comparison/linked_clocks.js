/**
 * Two clocks of which one sounds. Linked, they stand at moments that belong together: what moves one moves the other, and
 * the sound changes from one to the other where it is, without a gap.
 */

/**
 * @import { Clock } from "../player/clock.js"
 * @typedef {0 | 1} Side
 * @typedef {{counterpart: (seconds: number, side: Side) => number,
 *   viewOfOther: (view: [number, number], side: Side) => [number, number]}} Map
 */

const LEAD = [0.12, 0.35, 0.8]; // seconds ahead of the playhead where the other track is made ready; a slow one gets more
const PATIENCE = 1500; // milliseconds
const LATENCY = 0.02; // seconds that a sound takes to begin
const LATE = 0.06; // seconds that nobody hears as a jump

/** @param {number} ms */
const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** @param {Side} side @returns {Side} */
export function otherSide(side) {
  return side ? 0 : 1;
}

/** @type {WeakMap<Clock, LinkedClocks>} by the first clock */
const LINKS = new WeakMap();

/**
 * What links two clocks: one, however many views of both there are, which would pull at the clocks by turns.
 * @param {[Clock, Clock]} clocks @param {Map} map
 * @param {{signal: AbortSignal, changed: () => void}} view `changed` is called when another one sounds, or they were
 *   linked or let go
 */
export function linkOf(clocks, map, view) {
  const link = LINKS.get(clocks[0]) ?? new LinkedClocks(clocks);
  LINKS.set(clocks[0], link);
  link.use(map, view);
  return link;
}

class LinkedClocks {
  /** @type {Side} whose sound is heard */
  sounding = 0;
  linked = false;
  #driving = false;
  #switching = false;
  #durations = "";
  #seeks = [0, 0];

  #end = new AbortController();
  /** @type {Set<() => void>} one of each view */
  #views = new Set();
  /** @type {Map} */
  map = { counterpart: (seconds) => seconds, viewOfOther: (view) => view };

  /** @param {[Clock, Clock]} clocks */
  constructor(clocks) {
    this.clocks = clocks;
    const { signal } = this.#end;
    for (const side of /** @type {const} */ ([0, 1])) {
      clocks[side].on("time", () => this.#moved(side), { signal });
      clocks[side].on("state", () => this.#stated(side), { signal });
      clocks[side].on("view", () => this.#viewed(side), { signal });
    }
  }

  /** Whether one view shows it, which decides how it begins. */
  get fresh() {
    return this.#views.size === 1;
  }

  /** @param {Map} map @param {{signal: AbortSignal, changed: () => void}} view */
  use(map, { signal, changed }) {
    this.map = map;
    this.#views.add(changed);
    const leave = () => {
      this.#views.delete(changed);
      if (this.#views.size) return;
      this.#end.abort();
      this.#partner(false);
      LINKS.delete(this.clocks[0]);
    };
    signal.addEventListener("abort", leave, { once: true });
  }

  #changed() {
    for (const changed of this.#views) changed();
  }

  /** @param {boolean} on */
  link(on) {
    if (on === this.linked) return;
    this.linked = on;
    this.#partner(on);
    if (on) this.#moved(this.sounding);
    this.#changed();
  }

  /** @param {boolean} on */
  #partner(on) {
    const [a, b] = this.clocks;
    if (on) {
      a.partners.add(b);
      b.partners.add(a);
    } else {
      a.partners.delete(b);
      b.partners.delete(a);
    }
  }

  /** Let the other one be heard, from the moment where the music is. @param {Side} side */
  async choose(side) {
    if (side === this.sounding || this.#switching) return;
    const [from, to] = [this.clocks[otherSide(side)], this.clocks[side]];
    const { playing } = from;
    this.sounding = side;
    this.#switching = true;
    this.#changed();
    try {
      if (playing && this.linked) await this.#handOver(from, to, side);
      else if (playing) await to.play();
    } finally {
      this.#switching = false;
    }
  }

  /**
   * The other is made ready a little ahead, begins when the first has come there, and is heard before that stops.
   * @param {Clock} from @param {Clock} to @param {Side} side of `to`
   */
  async #handOver(from, to, side) {
    to.setRate(from.rate);
    for (const lead of LEAD) {
      const ahead = from.time + lead * from.rate;
      to.seek(this.map.counterpart(ahead, otherSide(side)));
      await settled(to);
      await rest(Math.max(0, ((ahead - from.time) / from.rate - LATENCY) * 1000));
      if (!from.playing || from.time < ahead + LATE * from.rate) break;
    }
    if (!from.playing) return;
    const heard = await to.play();
    // Who cannot be heard does not silence the other.
    if (heard) from.pause();
    else this.sounding = otherSide(side);
    this.#changed();
  }

  /** @param {Side} side */
  #moved(side) {
    const { seeks } = this.clocks[side];
    const sought = seeks !== this.#seeks[side];
    this.#seeks[side] = seeks;
    if (!this.linked || this.#driving || this.#switching) return;
    const durations = this.clocks.map(({ duration }) => duration).join();
    const fresh = durations !== this.#durations;
    this.#durations = durations;
    // One that is not heard moves the other only where it is told to be: it goes on for a moment before it pauses.
    if (side !== this.sounding && !sought && !fresh) return;
    // A track that has just come has moved nobody.
    const leader = fresh ? this.sounding : side;
    const other = this.clocks[otherSide(leader)];
    const to = this.map.counterpart(this.clocks[leader].time, leader);
    this.#drive(() => (other.playing ? other.seek(to) : other.point(to)));
  }

  /** Who begins to play is heard. @param {Side} side */
  #stated(side) {
    if (this.#switching || side === this.sounding || !this.clocks[side].playing) return;
    this.sounding = side;
    if (this.linked) this.clocks[otherSide(side)].pause();
    this.#changed();
  }

  /** @param {Side} side */
  #viewed(side) {
    if (!this.linked || this.#driving) return;
    const view = this.map.viewOfOther(this.clocks[side].view, side);
    if (view[1] > view[0]) this.#drive(() => this.clocks[otherSide(side)].setView(...view));
  }

  /** Move one without its moving the other in turn. @param {() => void} move */
  #drive(move) {
    this.#driving = true;
    try {
      move();
    } finally {
      this.#driving = false;
    }
  }
}

/** Until the sound of a clock stands where its playhead does. @param {Clock} clock */
async function settled({ media }) {
  if (!media?.seeking) return;
  await Promise.race([
    rest(PATIENCE),
    new Promise((resolve) => media.addEventListener("seeked", resolve, { once: true })),
  ]);
}
