// @ts-nocheck
/**
 * What maps that show the same tracks share: what the pointer is at, and which tracks are selected.
 *
 * Every widget is a module of its own, so links are kept by name where all modules of a page find them. A track is its
 * position in the columns, which maps of one name have in common.
 */
const LINKS = Symbol.for("embviz.links");

/** The link of this name, made if there is none; without a name, one of one's own. @returns {Link} */
export function linkOf(name) {
  if (!name) return new Link();
  globalThis[LINKS] ??= new Map();
  if (!globalThis[LINKS].has(name)) globalThis[LINKS].set(name, new Link());
  return globalThis[LINKS].get(name);
}

/** Tells its listeners ("hover", "selection") what has changed, and who did it. */
export class Link {
  #listeners = { hover: new Set(), selection: new Set() };

  /** @type {{track: number, seconds: number | null, point: number, by: unknown} | null} */
  hover = null;
  /** @type {Set<number>} */
  selection = new Set();

  /** Call back on a kind of change until the signal is aborted. @param {"hover" | "selection"} kind */
  on(kind, listener, { signal } = {}) {
    if (signal?.aborted) return;
    this.#listeners[kind].add(listener);
    signal?.addEventListener("abort", () => this.#listeners[kind].delete(listener), { once: true });
  }

  /** @param {{track: number, seconds: number | null, point: number, by: unknown} | null} hover */
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
