/** What anywidget gives a view, or what an exported page gives it in its place. */

export interface Model {
  // biome-ignore lint/suspicious/noExplicitAny: a trait is what its Python class says.
  get(name: string): any;
  set(name: string, value: unknown): void;
  /** Absent in a page without a kernel. */
  save_changes?(): void;
  on(events: string, listener: (...args: never[]) => void): void;
  off(events?: string | null, listener?: ((...args: never[]) => void) | null): void;
  send?(content: object, callbacks?: unknown, buffers?: (ArrayBuffer | ArrayBufferView)[]): void;
}

/** A widget inside another one. */
export interface Widget {
  render(options: { el: HTMLElement; signal: AbortSignal }): Promise<void>;
}

export interface Host {
  getModel(ref: string): Promise<Model>;
  getWidget(ref: string): Promise<Widget>;
}

export interface RenderOptions {
  model: Model;
  el: HTMLElement;
  signal?: AbortSignal;
  host?: Host;
}

/** The element that `h` makes of a tag such as "button" or "div.ev-row". */
export type ElementOf<Tag extends string> = Tag extends `${infer Name}.${string}`
  ? ElementOf<Name>
  : Tag extends keyof HTMLElementTagNameMap
    ? HTMLElementTagNameMap[Tag]
    : HTMLElement;

type Listeners = { [Kind in keyof HTMLElementEventMap as `on${Kind}`]?: (event: HTMLElementEventMap[Kind]) => void };

/** The properties, attributes and listeners that `h` gives an element. */
export interface Props extends Listeners {
  style?: Partial<CSSStyleDeclaration>;
  [name: string]: unknown;
}

/** What `h` puts into an element. */
export type Child = Node | string | null | undefined;

/** A colour map by name. */
export type MapName = "viridis" | "balance" | "night";

/** How values become colours. */
export type Scale = "none" | "minmax" | "signed";

/** What a heatmap needs to be asked for the cell under a pixel. */
export interface CellSource {
  codes: Uint8Array;
  t: number;
  rows: Uint16Array;
  ranges: Float32Array;
  tables: Uint8Array;
  zeros: Int32Array;
  zero: number;
  grid: import("./base/time.js").Grid;
}

/** The strongest cell under a pixel. */
export interface Cell {
  frame: number;
  dimension: number;
  row: number;
  code: number;
  strength: number;
  far: number;
  frames: number;
  dimensions: number;
}

/** A stretch of seconds between two frames, or "dense"; null is the model's own. */
export type Hop = number | "dense" | null;

/**
 * A model as the panel offers it. `cost` is in seconds of work per minute of sound, at the model's own hop; the part of
 * it that is `shared_cost` is the same at every hop.
 */
export interface ModelChoice {
  name: string;
  title: string;
  state: string;
  system: string;
  system_title?: string;
  hop: number;
  finest: number;
  finer: number[];
  fixed_hop: boolean;
  cost?: number;
  shared_cost?: number;
  bytes?: number;
  layers?: LayerChoice[];
}

/** A layer of a model. */
export interface LayerChoice {
  name: string;
  shape: number[];
  axes: string;
  meaning: string;
  receptive_field: string;
}

/** A piece of work of a panel: what it does, how far it is, what went wrong. */
export interface WorkItem {
  status: string;
  model?: string;
  stage?: string;
  done?: number;
  total?: number;
  message?: string;
  remedy?: string;
}

/** The download of a model's weights. */
export interface Download {
  stage?: string;
  done?: number;
  total?: number;
  error?: string;
  remedy?: string;
}

/** A choice of a select. */
export interface Choice {
  value: string;
  label: string;
  group?: string;
  disabled?: boolean;
}

/** An option of a method. */
export interface MethodOption {
  name: string;
  kind: string;
  value?: string | number | null;
  title?: string;
  help?: string;
  min?: number | null;
  max?: number | null;
  choices?: (string | number)[];
}

// biome-ignore lint/suspicious/noExplicitAny: a message is what its Python class says.
export type Message = any;
