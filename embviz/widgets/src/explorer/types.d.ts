/** What crosses to the panel, as widgets/schema.py says, and what the panel's parts share. */

import type { Link } from "../base/commands.js";
import type { Clock } from "../player/clock.js";
import type { Download, Hop, Host, Model } from "../types.js";

export interface TrackItem {
  id: number;
  name: string;
  title: string;
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
