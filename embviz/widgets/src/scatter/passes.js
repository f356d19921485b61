/** In which order, and how strongly, both renderers draw the points: those left out, the others, the selected ones. */

/** @import { Scene } from "./types.js" */

const DIM = 0.22; // how strongly points are drawn that are not selected, where some are
const GHOST = 0.1; // how strongly those that a filter leaves out
const [PLAIN, SELECTED, LEFT_OUT, NOWHERE] = [0, 1, 2, 3];

/** The parts of the points in drawing order, and their opacity. @param {Scene} scene @returns {[number, number][]} */
export function passesOf({ data, selected, opacity }) {
  /** @type {[number, number][]} */
  const passes = data.filtered ? [[LEFT_OUT, GHOST]] : [];
  passes.push([PLAIN, selected ? opacity * DIM : opacity]);
  if (selected) passes.push([SELECTED, 1]);
  return passes;
}

/** The part that a point belongs to. @param {Scene["data"]} data @param {Scene["selected"]} selected @param {number} i */
export function partOf({ filtered, placed }, selected, i) {
  if (placed && !placed[i]) return NOWHERE;
  if (filtered && !filtered[i]) return LEFT_OUT;
  return selected?.[i] ? SELECTED : PLAIN;
}
