/**
 * What maps that show the same tracks share: what the pointer is at, and which tracks are selected.
 *
 * Every widget is a module of its own, so links are kept by name where all modules of a page find them. A track is its
 * position in the columns, which maps of one name have in common.
 */
const LINKS = Symbol.for("embviz.links");

/** What the pointer is at, and the map that says so. @typedef {{track: number, seconds: number | null, point: number, by: unknown}} Hover */
/** @typedef {(hover: Hover | null) => void} OnHover */
/** @typedef {(tracks: Set<number>, by: unknown) => void} OnSelection */

/** The link of this name, made if there is none; without a name, one of one's own. @param {string} name @returns {Link} */
export function linkOf(name) {
  if (!name) return new Link();
  const page = /** @type {{[LINKS]?: Map<string, Link>}} */ (globalThis);
  page[LINKS] ??= new Map();
  const link = page[LINKS].get(name) ?? new Link();
  page[LINKS].set(name, link);
  return link;
}

/** Tells its listeners ("hover", "selection") what has changed, and who did it. */
export class Link {
  #listeners = {
    hover: /** @type {Set<OnHover>} */ (new Set()),
    selection: /** @type {Set<OnSelection>} */ (new Set()),
  };

  /** @type {Hover | null} */
  hover = null;
  /** @type {Set<number>} */
  selection = new Set();

  /**
   * Call back on a kind of change until the signal is aborted.
   * @template {"hover" | "selection"} K
   * @param {K} kind @param {K extends "hover" ? OnHover : OnSelection} listener @param {{signal?: AbortSignal}} [options]
   */
  on(kind, listener, { signal } = {}) {
    if (signal?.aborted) return;
    const listeners = /** @type {Set<typeof listener>} */ (this.#listeners[kind]);
    listeners.add(listener);
    signal?.addEventListener("abort", () => listeners.delete(listener), { once: true });
  }

  /** @param {Hover | null} hover */
  setHover(hover) {
    const before = this.hover;
    if (before === hover || (before && hover && before.point === hover.point && before.by === hover.by)) return;
    this.hover = hover;
    for (const listener of [...this.#listeners.hover]) listener(hover);
  }

  /** @param {Iterable<number>} tracks @param {unknown} by who has selected, and need not be told */
  setSelection(tracks, by) {
    this.selection = new Set(tracks);
    for (const listener of [...this.#listeners.selection]) listener(this.selection, by);
  }
}
