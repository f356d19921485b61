/**
 * A map's camera: which part of the plane is seen, and where its points come to lie. Nothing here touches the page.
 *
 * Conventions: a *view* is `{x, y, k}`: the point in the middle of the picture, and pixels per unit; y rises upwards on
 * the map and downwards on the screen. A *size* is `{width, height}` in pixels, a *box* `[left, low, right, high]`.
 */
import { clamp } from "../base/time.js";

/** @import { Box, Insets, Place, Size, View } from "./types.js" */

/** Pixels that are kept free around all points. */
export const MARGIN = 26;
/** How far one can go away from what shows all, and how near. */
const FARTHEST = 0.4;
const NEAREST = 4000;

/**
 * The box of all points, or of some; of none, the whole plane from −1 to 1.
 * @param {Float32Array} xy @param {ArrayLike<number> | null} points @returns {Box}
 */
export function boxOf(xy, points = null) {
  /** @type {Box} */
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  const n = points ? points.length : xy.length / 2;
  for (let j = 0; j < n; j += 1) {
    const i = points ? points[j] : j;
    const [x, y] = [xy[2 * i], xy[2 * i + 1]];
    if (x < box[0]) box[0] = x;
    if (y < box[1]) box[1] = y;
    if (x > box[2]) box[2] = x;
    if (y > box[3]) box[3] = y;
  }
  return box[0] <= box[2] ? box : [-1, -1, 1, 1];
}

/** The view that shows a box in the middle, as large as it fits. @param {Box} box @param {Size} size @returns {View} */
export function viewOf(box, size, margin = MARGIN) {
  return viewWithin(box, size, { left: margin, top: margin, right: margin, bottom: margin });
}

/** The view that shows a box in what is left of the picture. @param {Box} box @param {Size} size @param {Insets} insets @returns {View} */
export function viewWithin(box, { width, height }, { left, top, right, bottom }) {
  // Points that all lie in one place need room, too.
  const [wide, tall] = [Math.max(box[2] - box[0], 1e-3), Math.max(box[3] - box[1], 1e-3)];
  const [roomX, roomY] = [Math.max(width - left - right, 8), Math.max(height - top - bottom, 8)];
  const k = Math.min(roomX / wide, roomY / tall);
  return { x: (box[0] + box[2] - (left - right) / k) / 2, y: (box[1] + box[3] + (top - bottom) / k) / 2, k };
}

/**
 * A view around some points, not nearer than `most` times what shows all, so that one sees where on the map they lie.
 * @param {Box} box @param {View} home @param {Size} size @returns {View}
 */
export function closeTo(box, home, size, most = 2) {
  const view = viewOf(box, size, Math.min(size.width, size.height) / 5);
  return { ...view, k: clamp(view.k, home.k, home.k * most) };
}

/** The place of a point. @param {View} view @param {Size} size @param {number} x @param {number} y @returns {Place} */
export function toScreen(view, size, x, y) {
  return [size.width / 2 + (x - view.x) * view.k, size.height / 2 - (y - view.y) * view.k];
}

/**
 * The point of the plane at a place of the screen.
 * @param {View} view @param {Size} size @param {number} px @param {number} py @returns {Place}
 */
export function toMap(view, size, px, py) {
  return [view.x + (px - size.width / 2) / view.k, view.y - (py - size.height / 2) / view.k];
}

/** The part of the plane that is seen, and some pixels around it. @param {View} view @param {Size} size @returns {Box} */
export function seenBox(view, size, around = 0) {
  const [left, high] = toMap(view, size, -around, -around);
  const [right, low] = toMap(view, size, size.width + around, size.height + around);
  return [left, low, right, high];
}

/**
 * The view after zooming by a factor (above 1 comes nearer) around a place of the screen, which stays where it is.
 * @param {View} view @param {Size} size @param {number} px @param {number} py @param {number} factor
 * @param {View} home @returns {View}
 */
export function zoomedAt(view, size, px, py, factor, home) {
  const k = clamp(view.k * factor, home.k * FARTHEST, home.k * NEAREST);
  const [x, y] = toMap(view, size, px, py);
  return kept({ x: x - (px - size.width / 2) / k, y: y + (py - size.height / 2) / k, k }, home);
}

/**
 * The view after the plane was pushed by some pixels.
 * @param {View} view @param {number} dx @param {number} dy @param {View} home @returns {View}
 */
export function pushed(view, dx, dy, home) {
  return kept({ x: view.x - dx / view.k, y: view.y + dy / view.k, k: view.k }, home);
}

/** Nobody gets lost: the middle of the picture stays near the points. @param {View} view @param {View} home */
function kept({ x, y, k }, home) {
  return { x: clamp(x, home.x - 2, home.x + 2), y: clamp(y, home.y - 2, home.y + 2), k };
}

/** A view between two others, for a flight from one to the other. @param {View} from @param {View} to @param {number} share */
export function between(from, to, share) {
  const eased = share * share * (3 - 2 * share);
  const k = from.k * (to.k / from.k) ** eased;
  // The middle moves as the scale does, so that what is flown to never leaves the picture.
  const done = Math.abs(to.k - from.k) < 1e-9 ? eased : (1 / from.k - 1 / k) / (1 / from.k - 1 / to.k);
  return { x: from.x + (to.x - from.x) * done, y: from.y + (to.y - from.y) * done, k };
}
