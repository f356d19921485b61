/** Where names go on a map: beside their points, not over others, and not over one another. Nothing of the page. */

/** @import { Box, Size } from "./types.js" */

/**
 * What is named: its middle and half its extent, in pixels of the picture, and how much room its name takes.
 * @typedef {{x: number, y: number, rx?: number, ry?: number, width: number, height: number}} Named
 */

/** Sides of what is named where a name may stand, the best first: above it, below, beside, and last in its midst. */
const SIDES = [
  [0, -1],
  [0, 1],
  [1, 0],
  [-1, 0],
  [0.7, -0.7],
  [-0.7, -0.7],
  [0.7, 0.7],
  [-0.7, 0.7],
  [0, 0],
];
const FARTHEST = 70; // pixels from its middle, beyond which a name does not stay outside of what it names
const PER_SIDE = 0.2; // points that a name would rather cover than go to the next side
const GAP = 3; // pixels between names
const FOREIGN = 4; // points that a name would rather cover than lie wholly in the midst of another group

/**
 * Places for names, in the order of their weight; what finds no place is left out.
 * @param {Named[]} labels @param {Size} size of the picture
 * @param {(box: Box) => number} [crowd] how many points lie in a part of the picture (left, top, right, bottom)
 * @param {Box[]} [covered] parts of it where nothing can be read
 * @returns {({x: number, y: number} | null)[]} the middle of each, in the picture
 */
export function placed(labels, size, crowd = () => 0, covered = []) {
  const taken = [...covered];
  return labels.map((label) => {
    const inside = label.x >= 0 && label.x <= size.width && label.y >= 0 && label.y <= size.height;
    if (!inside) return null;
    /** @type {Box | null} */
    let best = null;
    let least = Infinity;
    for (const [place, side] of SIDES.entries()) {
      if (place * PER_SIDE >= least) break;
      const box = boxAt(label, side, size);
      if (taken.some((other) => overlap(box, other))) continue;
      const cost = crowd(box) + place * PER_SIDE + FOREIGN * strange(box, label, labels);
      if (cost < least) [best, least] = [box, cost];
    }
    if (!best) return null;
    taken.push(best);
    return { x: (best[0] + best[2]) / 2, y: (best[1] + best[3]) / 2 };
  });
}

/** @param {Named} label @param {number[]} side @param {Size} size @returns {Box} left, top, right, bottom */
function boxAt({ x, y, rx = 0, ry = 0, width, height }, [sideX, sideY], size) {
  const [w, t] = [width / 2 + GAP, height / 2 + GAP];
  const wantedX = x + sideX * (Math.min(rx, FARTHEST) + w);
  const wantedY = y + sideY * (Math.min(ry, FARTHEST) + t);
  const middleX = Math.min(Math.max(wantedX, w), Math.max(w, size.width - w));
  const middleY = Math.min(Math.max(wantedY, t), Math.max(t, size.height - t));
  return [middleX - w, middleY - t, middleX + w, middleY + t];
}

/**
 * How far a name would lie among the points of other groups, more than among its own: 0 … 1.
 * @param {Box} box @param {Named} own @param {Named[]} labels
 */
function strange(box, own, labels) {
  const area = (box[2] - box[0]) * (box[3] - box[1]);
  const among = (/** @type {Named} */ { x, y, rx = 0, ry = 0 }) => {
    const wide = Math.min(box[2], x + rx) - Math.max(box[0], x - rx);
    const tall = Math.min(box[3], y + ry) - Math.max(box[1], y - ry);
    return wide > 0 && tall > 0 ? (wide * tall) / area : 0;
  };
  const most = labels.reduce((found, label) => (label === own ? found : Math.max(found, among(label))), 0);
  return Math.max(0, most - among(own));
}

/** @param {Box} a @param {Box} b */
function overlap(a, b) {
  return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
}

/**
 * Where the playhead is on a trail of frames: between the two frames around a time; before the first and after the last
 * it rests on them.
 * @param {Float32Array} trail x, y and seconds of each frame, in time order @param {number} seconds
 * @returns {{x: number, y: number, index: number} | null}
 */
export function onTrail(trail, seconds) {
  const n = Math.floor(trail.length / 3);
  if (!n) return null;
  let [low, high] = [0, n - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (trail[3 * middle + 2] <= seconds) low = middle;
    else high = middle - 1;
  }
  const next = Math.min(low + 1, n - 1);
  const [from, to] = [trail[3 * low + 2], trail[3 * next + 2]];
  const share = to > from ? Math.min(Math.max((seconds - from) / (to - from), 0), 1) : 0;
  const mix = (/** @type {number} */ at) => trail[3 * low + at] + (trail[3 * next + at] - trail[3 * low + at]) * share;
  return { x: mix(0), y: mix(1), index: low };
}
