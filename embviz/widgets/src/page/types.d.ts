/** What the description of a collection's page holds; see `embviz/export/collection_page.py`. */

import type { Column } from "../scatter/points.js";
import type { ColorRecord } from "../scatter/types.js";
import type { Description, Still } from "./track_page.js";

/** What belongs to one track. */
export interface TrackPart {
  player: Still;
  heatmap: Still | null;
  trail: string;
  note?: string;
  /** Seconds of the track that a clip has. */
  span: [number, number] | null;
}

export interface CollectionPage extends Description {
  measures: string[];
  caution: string;
  guide: string;
  theme: string;
  notes: string[];
  files: string[];
  beside: string;
  map: Still & { state: { columns: Column[]; color: ColorRecord } };
  colors: { color: ColorRecord; shades: string; group: string }[];
  // biome-ignore lint/suspicious/noExplicitAny: what `page_facets.js` reads.
  facets: any;
  near: { k: number; metric: string; exact: boolean; indices: string; distances: string };
  player: Still & { state: { clock: string } };
  heatmap: Still | null;
  parts: string[];
}
