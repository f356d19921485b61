// @ts-nocheck
/** Where names go on a map: none over another. Nothing here touches the page. */

/** Lines up (−) or down from what is named: above it, where its points are seen, and only last in their midst. */
const SHIFTS = [-1, 1, -2, 2, 0];

/**
 * Places for labels, in the order of their weight; what finds no place is left out.
 * @param {{x: number, y: number, width: number, height: number}[]} labels near whose places they stand
 * @param {{width: number, height: number}} size of the picture
 * @returns {({x: number, y: number} | null)[]} the middle of each, in the picture
 */
export function placed(labels, size, gap = 3) {
  const taken = [];
  return labels.map((label) => {
    const inside = label.x >= 0 && label.x <= size.width && label.y >= 0 && label.y <= size.height;
    if (!inside) return null;
    for (const shift of SHIFTS) {
      const spot = boxAt(label, shift, size, gap);
      if (taken.some((other) => overlap(spot, other))) continue;
      taken.push(spot);
      return { x: (spot[0] + spot[2]) / 2, y: (spot[1] + spot[3]) / 2 };
    }
    return null;
  });
}

function boxAt({ x, y, width, height }, shift, size, gap) {
  const [w, t] = [width / 2 + gap, height / 2 + gap];
  const middleX = Math.min(Math.max(x, w), Math.max(w, size.width - w));
  const middleY = Math.min(Math.max(y + shift * (height + 2 * gap), t), Math.max(t, size.height - t));
  return [middleX - w, middleY - t, middleX + w, middleY + t];
}

function overlap(a, b) {
  return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
}

/**
 * Where the playhead is on a trail of frames: between the two frames around a time; before the first and after the last
 * it rests on them.
 * @param {Float32Array} trail x, y and seconds of each frame, in time order
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
  const mix = (at) => trail[3 * low + at] + (trail[3 * next + at] - trail[3 * low + at]) * share;
  return { x: mix(0), y: mix(1), index: low };
}
