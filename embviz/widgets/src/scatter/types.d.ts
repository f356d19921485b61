/** What the parts of a map hand to one another. */

import type { MapData } from "./points.js";

/** The point in the middle of the picture, and pixels per unit. */
export interface View {
  x: number;
  y: number;
  k: number;
}

/** In pixels of the page. */
export interface Size {
  width: number;
  height: number;
}

/** Left, low, right, high. */
export type Box = [number, number, number, number];

/** Pixels from the left and from the top, or x and y on the map. */
export type Place = [number, number];

/** In pixels. */
export interface Insets {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** What a direction of the map means; see `embviz/plotting/axes.py`. */
export interface Axis {
  title: string;
  unit: string;
  kind: "number" | "date" | "category" | "none";
  low: number;
  high: number;
  labels: string[];
  missing: number;
}

/** What colours mean; see `embviz/plotting/encodings.py`. */
export interface ColorRecord {
  title: string;
  kind: "none" | "category" | "number";
  unit: string;
  palette: string[];
  night?: string[];
  labels: string[];
  other: number;
  low: number;
  high: number;
  clipped: boolean[];
  unknown?: string;
}

/** Points on their way from where they lay before; `share` is 0 there and 1 where they lie now. */
export interface Glide {
  from: Float32Array;
  share: number;
}

/** A name on the map: the middle of its points and half their extent, on the map, and how many they are. */
export interface Label {
  text: string;
  x: number;
  y: number;
  rx: number;
  ry: number;
  n: number;
  strong?: boolean;
}

/** The CSS colours of a widget, and its font. */
export interface Inks {
  ink: string;
  faint: string;
  line: string;
  paper: string;
  panel: string;
  accent: string;
  font: string;
}

/** What is to be seen: the points and their looks, the camera, and what lies over them. */
export interface Scene {
  data: MapData;
  view: View;
  size: Size;
  /** Those of x and y; null: the places have no meaning of their own. */
  axes: Axis[] | null;
  /** How far x and y are drawn, where each goes from −1 to 1. */
  fill: [number, number];
  insets: Insets;
  /** How near the points are: 1 where all are seen. */
  zoom: number;
  glide: Glide | null;
  moving: boolean;
  inks: Inks;
  /** CSS colours of the shades, the last one that of missing values. */
  colors: string[];
  /** In pixels: 16 steps of size, or one for all. */
  diameters: number[];
  opacity: number;
  /** 1 for each selected point; null where none is. */
  selected: Uint8Array | null;
  chosen: Uint32Array;
  hover: number;
  cursor: number;
  current: number;
  same: number[];
  found: Uint32Array;
  lit: number[] | null;
  lasso: Place[] | null;
  trail: Float32Array;
  lines: Uint32Array;
  labels: Label[];
  /** Where names were written last, in pixels from the middle of what they name; kept while something moves. */
  spots: Map<string, Place>;
  /** What buttons on the map cover, in pixels: left, top, right, bottom. */
  covered: Box[];
}

/** What draws the points of a scene. */
export interface Renderer {
  kind: "webgl" | "canvas";
  el: HTMLCanvasElement;
  paint(scene: Scene): void;
  destroy(): void;
}
