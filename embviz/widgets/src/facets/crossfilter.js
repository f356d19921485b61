/** What is left of tracks under several filters; each column is counted under the filters of all others. */
import { binsOf, placesOf } from "./bins.js";

/** @import { Bins, Column, Counts, Filter, Filters } from "./types.js" */

/** A column as it is counted: `places` are bins or categories, the last of which, `size`, means that nothing is known. */
class Counted {
  /** @param {Column} column */
  constructor({ facet, numbers }) {
    this.facet = facet;
    this.numbers = numbers;
    /** @type {Bins | null} */
    this.bins = facet.kind === "number" ? binsOf(facet, numbers) : null;
    this.size = this.bins ? this.bins.count : facet.labels.length;
    this.places = this.bins ? placesOf(numbers, this.bins) : categoryPlaces(numbers, this.size);
    this.all = new Uint32Array(this.size + 1);
    for (const place of this.places) this.all[place] += 1;
    this.left = this.all.slice();
    /** 1 for each track that does not pass. */
    this.fails = new Uint8Array(numbers.length);
    this.filter = "";
  }

  /**
   * @param {Filter | undefined} given @param {Uint8Array} failed how many filters each track fails; kept up to date
   * @returns {boolean} whether it is another filter
   */
  refilter(given, failed) {
    const filter = this.known(given);
    const key = filter ? JSON.stringify(filter) : "";
    if (key === this.filter) return false;
    this.filter = key;
    const passes = passing(this.facet.labels, filter);
    const { numbers, fails } = this;
    for (let i = 0; i < numbers.length; i += 1) {
      const now = passes(numbers[i]) ? 0 : 1;
      failed[i] += now - fails[i];
      fails[i] = now;
    }
    return true;
  }

  /** A filter without categories that are not there any more, as clusters of another map. @param {Filter} [filter] */
  known(filter) {
    if (!filter || this.bins) return filter;
    const values = (filter.values ?? []).filter((value) => this.facet.labels.includes(value));
    return values.length || filter.unknown ? { values, unknown: filter.unknown } : undefined;
  }

  /** @param {Uint8Array} failed @param {Uint8Array | null} hidden 1 for each track that is not seen for other reasons */
  count(failed, hidden) {
    const { places, fails, left } = this;
    left.fill(0);
    for (let i = 0; i < places.length; i += 1) if (failed[i] === fails[i] && !hidden?.[i]) left[places[i]] += 1;
  }

  /** @returns {Counts} */
  get counts() {
    const { all, left, size } = this;
    const known = { all: all.subarray(0, size), left: left.subarray(0, size) };
    return { ...known, unknown: all[size], unknownLeft: left[size] };
  }
}

/** @param {Float32Array} numbers @param {number} size */
function categoryPlaces(numbers, size) {
  return Uint32Array.from(numbers, (number) => (Number.isNaN(number) ? size : number));
}

/** @param {string[]} labels @param {Filter | undefined} filter @returns {(number: number) => boolean} */
function passing(labels, filter) {
  if (!filter) return () => true;
  const { range, values, unknown = false } = filter;
  if (range) {
    const [low, high] = range;
    return (number) => (Number.isNaN(number) ? unknown : number >= low && number <= high);
  }
  const chosen = new Set(values);
  const passes = labels.map((label) => chosen.has(label));
  return (number) => (Number.isNaN(number) ? unknown : passes[number] === true);
}

export class Crossfilter {
  n = 0;
  /** How many tracks are shown: they pass all filters, and are not hidden. */
  left = 0;
  /** @type {Map<string, Counted>} by the keys of the facets */
  columns = new Map();
  #failed = new Uint8Array(0);
  /** 1 for each track that the legend hides; null where it hides none. @type {Uint8Array | null} */
  #hidden = null;

  /** @param {number} n tracks @param {Column[]} columns */
  load(n, columns) {
    this.n = n;
    this.columns = new Map(columns.map((column) => [column.facet.key, new Counted(column)]));
    this.#failed = new Uint8Array(n);
    this.#hidden = null;
    this.#count();
  }

  /** Count without the tracks that the legend hides. @param {Uint8Array | null} hidden 1 for each of them */
  hide(hidden) {
    this.#hidden = hidden;
    this.#count();
  }

  /** @param {Filters} filters those of columns that are not there count for nothing */
  filter(filters) {
    let news = false;
    for (const [key, column] of this.columns) news = column.refilter(filters[key], this.#failed) || news;
    if (news) this.#count();
  }

  /** Whether any filter leaves out anything. */
  get filtered() {
    return [...this.columns.values()].some(({ filter }) => filter);
  }

  /** Whether filters or the legend leave out anything. */
  get partial() {
    return this.filtered || this.#hidden !== null;
  }

  /** Whether a track passes all filters. @param {number} track */
  passes(track) {
    return this.#failed[track] === 0;
  }

  /** Whether a track is shown: it passes, and the legend does not hide it. @param {number} track */
  shows(track) {
    return this.passes(track) && !this.#hidden?.[track];
  }

  #count() {
    for (const column of this.columns.values()) column.count(this.#failed, this.#hidden);
    let left = 0;
    for (let i = 0; i < this.#failed.length; i += 1) if (this.shows(i)) left += 1;
    this.left = left;
  }
}
