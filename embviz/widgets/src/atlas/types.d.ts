/** What the parts of the page of a map share, and what its traits hold; see `embviz/widgets/schema.py`. */

import type { Link } from "../base/commands.js";
import type { ModelOption, Panel, Choice as RowChoice } from "../explorer/types.js";
import type { atlasFacets } from "../facets/atlas_facets.js";
import type { Clock } from "../player/clock.js";
import type { MethodOption, WorkItem } from "../types.js";

export type LayerChoice = Pick<RowChoice, "model" | "layer">;

/** What is shown, and how. */
export interface Choices extends Partial<LayerChoice> {
  points?: string;
  pooling?: string;
  method?: string;
  options?: Record<string, string | number | null>;
  metric?: string;
  color?: string;
  size?: string;
  k?: number;
  clusters?: string;
  cluster_options?: Record<string, string | number | null>;
  second?: Partial<LayerChoice>;
  layout?: string;
  x?: string;
  y?: string;
  [name: string]: unknown;
}

/** A method of maps or of clusters. */
export interface Method {
  name: string;
  title: string;
  available: boolean;
  why: string;
  options: MethodOption[];
}

/** Colours under one heading. */
export interface ColorGroup {
  title: string;
  items: { key: string; title: string }[];
}

/** A map as it is. */
export interface MapState extends WorkItem {
  layer?: string;
  title?: string;
  view?: string;
  facts?: string[];
  notes?: string[];
  preliminary?: boolean;
  axes?: boolean;
}

/** A track, or a moment of one, in a list. */
export interface ListedTrack {
  track: number;
  title: string;
  artist: string;
  at?: number | null;
  point?: number | null;
}

export interface SelectedItem extends ListedTrack {
  album: string;
  genre: string;
  seconds: number | null;
}

export interface NeighborItem extends ListedTrack {
  distance: number;
}

export interface AgreementItem extends ListedTrack {
  overlap: number | null;
}

export interface TagLift {
  tag: string;
  lift: number;
}

export interface ClusterItem {
  id: number;
  name: string;
  auto: string;
  count: number;
  tags?: TagLift[];
}

/** How far two models agree. */
export interface Agreement {
  cka?: number | null;
  overlap?: number | null;
  hubness?: (number | null)[];
  k?: number;
  items?: AgreementItem[];
}

/** A dimension, and how far it separates two groups. */
export interface ContrastRow {
  key: string;
  title: string;
  name: string;
  effect: number | null;
  low: number | null;
  high: number | null;
  p: number | null;
  auc: number | null;
  sure: boolean;
}

/** What separates two groups of tracks. */
export interface Contrast {
  groups?: { a?: number; b?: number };
  message?: string;
  title?: string;
  ends?: string[];
  key?: string;
  auc?: number | null;
  notes?: string[];
  rows?: ContrastRow[];
  more?: number;
}

/** What the parts of the page share of it. */
export interface Page extends Pick<Panel, "model" | "el" | "signal" | "host" | "announce" | "say" | "seconds"> {
  link: Link;
  readonly clock: Clock;
  readonly choices: Choices;
  readonly alone: boolean;
  readonly notices: HTMLElement;
  readonly copyButton: HTMLElement;
  readonly facets: ReturnType<typeof atlasFacets>;
  modelOf(name: string | undefined): ModelOption | undefined;
  modelTitle(choice?: Partial<LayerChoice>): string;
  set(name: string, value: unknown): void;
  pick(): void;
  pickSecond(): void;
  swap(): void;
  firstClusterer(): string;
  browse(): void;
  pointsAt(row: HTMLElement, item: ListedTrack): void;
  help(): void;
}

/** A part of the page: what it listens to, and how it follows. */
export interface Part {
  el: HTMLElement;
  traits: string;
  update(): void;
}
