/** What crosses to the panel, as widgets/schema.py says, and what the panel's parts share. */

import type { Link } from "../base/commands.js";
import type { Clock } from "../player/clock.js";
import type { Download, Hop, Host, Model, WorkItem } from "../types.js";

export interface TrackItem {
  id: number;
  name: string;
  title: string;
  artist: string;
  album: string;
  genre: string;
  style: string;
  bpm: number | null;
  key: string;
  seconds: number | null;
  note: string;
  problem: string;
  warning: string;
}

export interface LayerOption {
  name: string;
  shape: number[];
  axes: string;
  meaning: string;
  receptive_field: string;
  nodes: string[];
}

export interface ModelOption {
  name: string;
  title: string;
  system: string;
  system_title: string;
  task: string;
  parameters: number;
  dimensions: number;
  licence: string;
  training_data: string;
  note: string;
  state: "ready" | "absent" | "download";
  bytes: number;
  source: string;
  patch: number;
  hop: number;
  finest: number;
  finer: number[];
  longest: number;
  fixed_hop: boolean;
  cost: number;
  layers: LayerOption[];
}

export type Downloads = Record<string, Download>;

/** What is shown in a row: a layer of a model. */
export interface Choice {
  model: string;
  layer: string;
  hop: Hop;
}

export interface PickerOptions {
  title: string;
  button: string;
  current?: Partial<Choice>;
  anyHop?: boolean;
  choose(choice: Choice): void;
}

/** Something that can be chosen. */
export interface NameTitle {
  name: string;
  title: string;
}

/** How far something is that is computed, and what shows it. */
export interface ViewItem extends Partial<WorkItem> {
  layer?: string;
  title?: string;
  view?: string;
}

/** A row of the poster, and what a head says of it. */
export interface HeatmapRow extends ViewItem {
  id: number;
  model: string;
  layer: string;
  hop: Hop;
  collapsed: boolean;
  facts: string;
  height?: number;
  heads?: NameTitle[];
  head?: string;
  answer?: ViewItem | null;
}

export interface Tempo extends ViewItem {
  bpm?: number | null;
  confidence?: number | null;
  bpms?: number[];
  shares?: number[];
}

export interface Stems extends ViewItem {
  models?: string[];
  names?: string[];
}

export interface Tagger extends ViewItem {
  model: string;
}

export interface Plane extends ViewItem {
  heads?: NameTitle[];
  head?: string;
  hint?: string;
}

export interface Predictions {
  taggers?: Tagger[];
  tempo?: Tempo;
  plane?: Plane;
  stems?: Stems;
}

/** A column that can be predicted, or why it cannot. */
export interface Target extends NameTitle {
  kind?: string;
  classes: number;
  tracks: number;
  why: string;
  /** All that it can be taken for. */
  kinds?: string[];
}

/** What models are compared on, and how; `groups` is null where that is left open, false for nothing. */
export interface TaskChoices {
  target?: string;
  models: string[];
  layers?: unknown;
  groups?: string | false | null;
  folds?: number | string;
  classifier?: string;
  pooling?: string;
  kind?: string;
}

export interface EvaluationOptions {
  kinds?: Record<string, string>;
  targets?: Target[];
  groups?: NameTitle[];
  folds?: NameTitle[];
  classifiers?: Record<string, string>;
  poolings?: Record<string, string>;
  layers?: Record<string, string>;
  choices?: TaskChoices;
  extra_options?: string[];
}

export interface EvaluationStatus extends Partial<WorkItem> {
  plan?: string;
}

/** What was compared on a task, with its figures: numbers are shares from 0 to 1, texts are shown as they are. */
export interface ScoreItem {
  key: number;
  title: string;
  model: string;
  layer: string;
  classifier: string;
  depth: number;
  accuracy: number | null;
  low: number | null;
  high: number | null;
  cv: string;
  cv_hint: string;
  best_cv: boolean;
  external: string;
  external_hint: string;
  best_external: boolean;
  drop: string;
  drop_hint: string;
}

export interface PublishedScore {
  model: string;
  accuracy: string | number;
  source: string;
}

export interface TaskScores {
  task: string;
  title: string;
  tracks: number;
  classes: number;
  measure?: string;
  extent?: string;
  chance: number;
  items: ScoreItem[];
  baselines?: { name: string; cv: string; external: string }[];
  published?: PublishedScore[];
}

export interface Scores {
  rows?: TaskScores[];
  headings?: Record<string, string>;
  notes?: string[];
  has_external?: boolean;
  choices?: TaskChoices;
}

/** How well one of several labels per track is told. */
export interface LabelScores {
  label: string;
  tracks: number;
  auc: string;
  pr_auc: string;
}

/** What one model took for what. */
export interface ConfusionItem {
  cell?: number;
  title?: string;
  tracks?: number;
  wrong?: number;
  kind?: string;
  error?: string;
  labels?: LabelScores[];
  label?: number;
  can_train_head?: boolean;
  view?: string;
  training?: Partial<WorkItem>;
}

/** A dimension of a layer in the list. */
export interface UnitRow {
  dimension: number;
  label: string;
  name: string;
  r: number | null;
  low: number | null;
  high: number | null;
  selectivity: number | null;
  zeros: number;
  effect: number | null;
  hint: string;
}

/** The dimensions of a layer. */
export interface Units extends ViewItem {
  plan?: string;
  rows?: UnitRow[];
  order?: number[];
  matches?: Record<string, string>;
  sort?: string;
  sorts?: Record<string, string>;
  search?: string;
  /** What a search finds, for example. */
  examples?: string[];
  said?: string;
  bins?: number;
  notes?: string[];
}

/** The dimension whose card is open. */
export interface UnitState extends ViewItem {
  dimension?: number;
  highest?: string;
  lowest?: string;
}

/** What the parts of the panel share of it. */
export interface Panel {
  model: Model;
  el: HTMLElement;
  signal: AbortSignal;
  host: Host;
  link: Link;
  readonly clock: Clock;
  readonly track: TrackItem | undefined;
  readonly notices: HTMLElement;
  modelOf(name: string | undefined): ModelOption | undefined;
  seconds(): number | null;
  visible(tab: string): boolean;
  pick(options: PickerOptions): void;
  browse(): void;
  trackChosen(): void;
  announce(text: string): void;
  showList(open: boolean): void;
  say(text: string, level?: string, remedy?: string): HTMLElement;
}
