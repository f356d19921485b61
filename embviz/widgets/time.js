/**
 * Time and its pictures: seconds, frames, pixels; nothing here touches the page.
 *
 * Conventions: seconds are numbers from the beginning of the track; a *view* is the pair of seconds at the left and the
 * right end of the plots; a *grid* maps frames to seconds, in integer samples, with the names of Python's FrameGrid.
 * Frames own half-open cells [edge(i), edge(i + 1)).
 */

/** Pixels left and right of every plot of time, so that the playheads of all views stand above each other. */
export const GUTTER = { left: 76, right: 72 };

/** The shortest stretch that can be zoomed to, in seconds. */
export const SHORTEST_VIEW = 0.02;

/**
 * @typedef {{sample_rate: number, hop: number, patch: number, receptive_field: number, start: number,
 *   n_frames: number, n_samples: number}} Grid
 * @typedef {[number, number]} View
 */

export function clamp(value, low, high) {
  return Math.min(Math.max(value, low), high);
}

/** Left border of a frame's cell in seconds. @param {Grid} grid @param {number} frame */
export function frameEdge(grid, frame) {
  return (2 * grid.start + grid.patch + (2 * frame - 1) * grid.hop) / (2 * grid.sample_rate);
}

/** Centre of a frame in seconds. @param {Grid} grid @param {number} frame */
export function frameTime(grid, frame) {
  return (2 * grid.start + grid.patch + 2 * frame * grid.hop) / (2 * grid.sample_rate);
}

/** The frame whose cell holds a time; clamped at both ends. @param {Grid} grid @param {number} seconds */
export function frameAt(grid, seconds) {
  const last = grid.n_frames - 1;
  let frame = clamp(Math.floor(((seconds - frameEdge(grid, 0)) * grid.sample_rate) / grid.hop), 0, last);
  // The division may round across a border; the borders themselves decide.
  if (frame < last && seconds >= frameEdge(grid, frame + 1)) frame += 1;
  if (frame > 0 && seconds < frameEdge(grid, frame)) frame -= 1;
  return frame;
}

/** Seconds of the track that a frame stands for (its patch). @param {Grid} grid @returns {View} */
export function frameSpan(grid, frame) {
  return span(grid, frame, grid.patch);
}

/** Seconds of the track that a frame can have heard (its receptive field). @param {Grid} grid @returns {View} */
export function heardSpan(grid, frame) {
  return span(grid, frame, grid.receptive_field);
}

function span(grid, frame, length) {
  const first = grid.start + frame * grid.hop + (grid.patch - length) / 2;
  return [
    clamp(first, 0, grid.n_samples) / grid.sample_rate,
    clamp(first + length, 0, grid.n_samples) / grid.sample_rate,
  ];
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

/** Pixels from the left end of a plot. */
export function timeToX(seconds, view, width) {
  return ((seconds - view[0]) / (view[1] - view[0])) * width;
}

/** Seconds at a distance in pixels from the left end of a plot; not clamped. */
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

/** The view after zooming by a factor (above 1 shows less) around a time that stays where it is. @returns {View} */
export function zoomed(view, around, factor, duration) {
  const length = clamp((view[1] - view[0]) / factor, Math.min(SHORTEST_VIEW, duration), duration);
  const share = (around - view[0]) / (view[1] - view[0] || 1);
  return fitted([around - share * length, around + (1 - share) * length], duration);
}

/** @returns {View} */
export function panned(view, seconds, duration) {
  return fitted([view[0] + seconds, view[1] + seconds], duration);
}

/** The view that shows a playhead: the same, or the next page of it. @returns {View} */
export function following(view, time, duration) {
  if (time >= view[0] && time < view[1]) return view;
  const length = view[1] - view[0];
  return fitted([time - length * 0.05, time + length * 0.95], duration);
}

/** A range in order and inside the track, or null where it is too short to be meant. @returns {View | null} */
export function orderedRange(a, b, duration) {
  const from = clamp(Math.min(a, b), 0, duration);
  const to = clamp(Math.max(a, b), 0, duration);
  return to - from >= 0.01 ? [from, to] : null;
}
