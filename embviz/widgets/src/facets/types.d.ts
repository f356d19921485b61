/** What columns that tracks are filtered by, and their filters, are; see `embviz/export/facets.py`. */

export interface Facet {
  key: string;
  title: string;
  kind: string;
  unit: string;
  labels: string[];
}

export interface Filter {
  range?: [number, number] | null;
  values?: string[];
  unknown?: boolean;
}

export type Filters = Record<string, Filter>;

/** A facet with its numbers, one per track: of categories, places in the labels; NaN where nothing is known. */
export interface Column {
  facet: Facet;
  numbers: Float32Array;
}

/** How numbers fall into bins, and where they stand on the axis. */
export interface Bins {
  /** Where the first bin begins, and the last one ends. */
  low: number;
  high: number;
  width: number;
  count: number;
  /** To what the ends of a range are rounded. */
  step: number;
  /** Whether all numbers are whole: a bin then ends before the next begins. */
  whole: boolean;
  /** The lowest and the highest number, which may lie outside of the bins: they are counted in the outermost. */
  least: number;
  most: number;
  unit: string;
}

/** What is counted of a column: for each bin or category, and of what is not known. */
export interface Counts {
  all: Uint32Array;
  left: Uint32Array;
  unknown: number;
  unknownLeft: number;
}

/** What the view of a facet is given to show. */
export interface Shown {
  counts: Counts;
  filter: Filter | undefined;
}

/** The view of one facet. */
export interface FacetView {
  el: HTMLElement;
  update(shown: Shown): void;
}

/** Called with a new filter, or with none; `settled` where the hand has come to rest. */
export type FilterListener = (filter: Filter | null, settled: boolean) => void;

export interface FacetOptions {
  title: string;
  items: { key: string; title: string }[];
}
