/**
 * Time and its pictures: seconds, frames, pixels; nothing here touches the page.
 *
 * Conventions: seconds are numbers from the beginning of the track; a *view* is the pair of seconds at the left and the
 * right end of the plots; a *grid* maps frames to seconds, in integer samples, with the names of Python's FrameGrid,
 * whose rules these are. Frames own half-open cells [edge(i), edge(i + 1)).
 */

/** Pixels left and right of every plot of time, so that the playheads of all views stand above each other. */
export const GUTTER = { left: 76, right: 72 };

/** The shortest stretch that can be zoomed to, in seconds. */
export const SHORTEST_VIEW = 0.02;

/**
 * @typedef {{start: number, hop: number, length: number, n_patches: number, first: number, n_steps: number}} PatchSteps
 * @typedef {{sample_rate: number, hop: number, patch: number, receptive_field: number, start: number,
 *   n_frames: number, n_samples: number, patches?: PatchSteps | null}} Grid
 * @typedef {[number, number]} View
 */

/** @param {number} value @param {number} low @param {number} high */
export function clamp(value, low, high) {
  return Math.min(Math.max(value, low), high);
}

/** The nearest whole number; of two as near, the even one, as in Python. @param {number} x */
function rounded(x) {
  const whole = Math.round(x);
  return whole - x === 0.5 && whole % 2 ? whole - 1 : whole;
}

/**
 * The patch and the step inside of it that a frame is taken from.
 * @param {Grid} grid @param {PatchSteps} by its steps @param {number} frame
 */
function sourceOf({ start, hop }, by, frame) {
  const even = start + hop * frame;
  const patch = clamp(rounded((even + hop / 2 - by.start - by.length / 2) / by.hop), 0, by.n_patches - 1);
  // Of two steps as near, the later one: to the even one would take every other step twice.
  return [patch, clamp(Math.round((even - by.first - patch * by.hop) / hop), 0, by.n_steps - 1)];
}

/**
 * Samples from where evenly spaced frames would have a frame to where it is.
 * @param {Grid} grid @param {number} frame
 */
function shiftOf(grid, frame) {
  if (!grid.patches || !grid.n_frames) return 0;
  const nearest = clamp(rounded(frame), 0, grid.n_frames - 1);
  const [patch, step] = sourceOf(grid, grid.patches, nearest);
  return grid.patches.first + grid.patches.hop * patch + grid.hop * step - grid.start - grid.hop * nearest;
}

/** Twice the sample on which a frame is centred. @param {Grid} grid @param {number} frame */
function centerOf(grid, frame) {
  return 2 * grid.start + grid.patch + 2 * grid.hop * frame + 2 * shiftOf(grid, frame);
}

/** Left border of a frame's cell in seconds. @param {Grid} grid @param {number} frame */
export function frameEdge(grid, frame) {
  return (centerOf(grid, frame - 1) + centerOf(grid, frame)) / (4 * grid.sample_rate);
}

/** Centre of a frame in seconds, inside the track. @param {Grid} grid @param {number} frame */
export function frameTime(grid, frame) {
  const end = grid.n_samples > 0 ? grid.n_samples / grid.sample_rate : Infinity;
  return clamp(centerOf(grid, frame) / (2 * grid.sample_rate), 0, end);
}

/** The frame whose cell holds a time; clamped at both ends. @param {Grid} grid @param {number} seconds */
export function frameAt(grid, seconds) {
  const last = grid.n_frames - 1;
  let frame = clamp(Math.floor(((seconds - frameEdge(grid, 0)) * grid.sample_rate) / grid.hop), 0, last);
  // The division may round across a border, and steps lie up to a frame from where even ones would; the borders
  // themselves decide.
  while (frame < last && seconds >= frameEdge(grid, frame + 1)) frame += 1;
  while (frame > 0 && seconds < frameEdge(grid, frame)) frame -= 1;
  return frame;
}

/**
 * Runs of evenly spaced frames among [from, to): those of one patch of the network, or all of them.
 * @param {Grid} grid @param {number} from @param {number} to @returns {[from: number, to: number, shift?: number][]}
 */
export function evenRuns(grid, from, to) {
  if (!grid.patches) return [[from, to]];
  /** @type {[number, number, number][]} */
  const runs = [];
  for (let frame = from; frame < to; frame += 1) {
    const shift = shiftOf(grid, frame);
    const last = runs.at(-1);
    if (last?.[2] === shift) last[1] = frame + 1;
    else runs.push([frame, frame + 1, shift]);
  }
  return runs;
}

/**
 * Seconds of the track that a frame stands for (its patch).
 * @param {Grid} grid @param {number} frame @returns {View}
 */
export function frameSpan(grid, frame) {
  const center = centerOf(grid, frame) / 2;
  return inside(grid, center - grid.patch / 2, center + grid.patch / 2);
}

/**
 * Seconds of the track that a frame can have heard (its receptive field).
 * @param {Grid} grid @param {number} frame @returns {View}
 */
export function heardSpan(grid, frame) {
  const center = centerOf(grid, frame) / 2;
  const [from, to] = [center - grid.receptive_field / 2, center + grid.receptive_field / 2];
  const by = grid.patches;
  if (!by) return inside(grid, from, to);
  const begin = by.start + by.hop * sourceOf(grid, by, frame)[0];
  const end = begin + by.length;
  const whole = grid.receptive_field >= by.length;
  return whole ? inside(grid, begin, end) : inside(grid, Math.max(from, begin), Math.min(to, end));
}

/** @param {Grid} grid @param {number} from in samples @param {number} to @returns {View} */
function inside(grid, from, to) {
  return [clamp(from, 0, grid.n_samples) / grid.sample_rate, clamp(to, 0, grid.n_samples) / grid.sample_rate];
}

/**
 * Seconds as people read them: ``1:02.5``, ``1:00:00``.
 * @param {number} seconds
 * @param {number} [decimals]
 */
export function formatTime(seconds, decimals = 0) {
  const scale = 10 ** decimals;
  // Rounded once, so that 59.96 becomes 1:00.0 and never 0:60.0; playheads are not negative.
  const ticks = Math.round(Math.max(0, seconds) * scale);
  const whole = Math.floor(ticks / scale);
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  const rest = String(whole % 60).padStart(2, "0");
  const fraction = decimals ? `.${String(ticks % scale).padStart(decimals, "0")}` : "";
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}${fraction}` : `${minutes}:${rest}${fraction}`;
}

const STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];

/**
 * Ticks of a time axis, at round times and at least `room` pixels apart.
 * @param {View} view @param {number} width of the plot in pixels
 * @returns {{time: number, label: string}[]}
 */
export function timeTicks(view, width, room = 64) {
  const [from, to] = view;
  if (!(to > from) || !(width > 0)) return [];
  const least = ((to - from) * room) / width;
  const step = STEPS.find((candidate) => candidate >= least) ?? Math.ceil(least / 3600) * 3600;
  const decimals = step >= 1 ? 0 : step >= 0.1 ? 1 : 2;
  const ticks = [];
  for (let i = Math.ceil(from / step - 1e-9); i * step <= to + step * 1e-9; i += 1) {
    ticks.push({ time: i * step, label: formatTime(i * step, decimals) });
  }
  return ticks;
}

/** Pixels from the left end of a plot. @param {number} seconds @param {View} view @param {number} width */
export function timeToX(seconds, view, width) {
  return ((seconds - view[0]) / (view[1] - view[0])) * width;
}

/**
 * Seconds at a distance in pixels from the left end of a plot; not clamped.
 * @param {number} x @param {View} view @param {number} width
 */
export function xToTime(x, view, width) {
  return view[0] + (x / width) * (view[1] - view[0]);
}

/**
 * A view that fits into the track, of the same length where that is possible.
 * @param {View} view @param {number} duration @returns {View}
 */
export function fitted(view, duration) {
  const length = clamp(view[1] - view[0], Math.min(SHORTEST_VIEW, duration), duration);
  const from = clamp(view[0], 0, duration - length);
  return [from, from + length];
}

/**
 * The view after zooming by a factor (above 1 shows less) around a time that stays where it is.
 * @param {View} view @param {number} around @param {number} factor @param {number} duration @returns {View}
 */
export function zoomed(view, around, factor, duration) {
  const length = clamp((view[1] - view[0]) / factor, Math.min(SHORTEST_VIEW, duration), duration);
  const share = (around - view[0]) / (view[1] - view[0] || 1);
  return fitted([around - share * length, around + (1 - share) * length], duration);
}

/** @param {View} view @param {number} seconds @param {number} duration @returns {View} */
export function panned(view, seconds, duration) {
  return fitted([view[0] + seconds, view[1] + seconds], duration);
}

/**
 * The view that shows a playhead: the same, or the next page of it.
 * @param {View} view @param {number} time @param {number} duration @returns {View}
 */
export function following(view, time, duration) {
  if (time >= view[0] && time < view[1]) return view;
  const length = view[1] - view[0];
  return fitted([time - length * 0.05, time + length * 0.95], duration);
}

const JUST_PASSED = 0.5; // seconds, in which a playhead that goes on has not yet left a time behind

/**
 * The time, of some in order, that a step from a playhead leads to: the next one, or the one before, which at last is
 * the beginning; null where there is none.
 * @param {number[]} times @param {number} time @param {number} by 1 or -1 @returns {number | null}
 */
export function steppedTo(times, time, by) {
  if (by > 0) return times.find((one) => one > time + 0.005) ?? null;
  return times.findLast((one) => one < time - JUST_PASSED) ?? (times.length ? 0 : null);
}

/**
 * A range in order and inside the track, or null where it is too short to be meant.
 * @param {number} a @param {number} b @param {number} duration @returns {View | null}
 */
export function orderedRange(a, b, duration) {
  const from = clamp(Math.min(a, b), 0, duration);
  const to = clamp(Math.max(a, b), 0, duration);
  return to - from >= 0.01 ? [from, to] : null;
}
