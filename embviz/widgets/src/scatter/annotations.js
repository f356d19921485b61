/** What lies over the points of a map and follows its camera: rings, lines, trail, names, lasso. */

import { penOf, shortened } from "../base/canvas.js";
import { paintAxes } from "./axes.js";
import { toMap, toScreen } from "./camera.js";
import { placed } from "./label_placement.js";

/** @import { Box, Inks, Label, Place, Scene, Size } from "./types.js" */
/** @typedef {CanvasRenderingContext2D} Pen */

const RINGS = 3000; // rings that are drawn at most
const FEW = 12; // names for which there is always room
const LIT = 60_000; // points that are lit up at most
const LABEL = 260; // pixels that a name may be wide
const PER_LABEL = 36_000; // square pixels of the picture, for each of which there may be a name where all is seen

/** @param {HTMLCanvasElement} canvas @param {Scene} scene */
export function paintOver(canvas, scene) {
  const pen = penOf(canvas, scene.size.width, scene.size.height);
  pen.lineJoin = "round";
  paintLit(pen, scene);
  paintAxes(pen, scene);
  paintLines(pen, scene);
  paintTrail(pen, scene);
  paintRings(pen, scene);
  paintLabels(pen, scene);
  paintLasso(pen, scene);
}

/** Where a point is in the picture. @param {Scene} scene @param {number} i @returns {Place} */
function at({ data, view, size, glide }, i) {
  const [x, y] = data.at(i);
  if (!glide) return toScreen(view, size, x, y);
  const [fromX, fromY] = [glide.from[2 * i], glide.from[2 * i + 1]];
  return toScreen(view, size, fromX + (x - fromX) * glide.share, fromY + (y - fromY) * glide.share);
}

/** @param {Place} place @param {Size} size */
function inPicture([x, y], { width, height }, around = 20) {
  return x > -around && y > -around && x < width + around && y < height + around;
}

/** @param {Scene} scene @param {number} i */
function diameterOf({ data, diameters }, i) {
  return diameters[data.sizeStep(i)] ?? diameters[0];
}

/** Some points lit up, all others behind a veil. @param {Pen} pen @param {Scene} scene */
function paintLit(pen, scene) {
  const { lit, data, colors, inks, size } = scene;
  if (!lit) return;
  pen.save();
  pen.globalAlpha = 0.72;
  pen.fillStyle = inks.paper;
  pen.fillRect(0, 0, size.width, size.height);
  pen.globalAlpha = 1;
  pen.strokeStyle = inks.ink;
  pen.lineWidth = 1;
  const step = Math.max(1, Math.ceil(lit.length / LIT));
  for (let j = 0; j < lit.length; j += step) {
    const i = lit[j];
    const place = at(scene, i);
    if (!data.shown(i) || !inPicture(place, size)) continue;
    pen.fillStyle = colors[data.place(i, colors.length)];
    const diameter = diameterOf(scene, i) + 1;
    if (lit.length > RINGS) {
      pen.fillRect(place[0] - diameter / 2, place[1] - diameter / 2, diameter, diameter);
      continue;
    }
    pen.beginPath();
    pen.arc(...place, diameter / 2 + 0.5, 0, 2 * Math.PI);
    pen.fill();
    pen.stroke();
  }
  pen.restore();
}

/** @param {Pen} pen @param {Scene} scene */
function paintLines(pen, scene) {
  const { lines, inks, data } = scene;
  if (!lines.length) return;
  pen.save();
  pen.strokeStyle = inks.ink;
  pen.globalAlpha = 0.45;
  pen.lineWidth = 1.25;
  pen.beginPath();
  for (let j = 0; j + 1 < lines.length; j += 2) {
    if (lines[j] >= data.n || lines[j + 1] >= data.n || !data.shown(lines[j]) || !data.shown(lines[j + 1])) continue;
    pen.moveTo(...at(scene, lines[j]));
    pen.lineTo(...at(scene, lines[j + 1]));
  }
  pen.stroke();
  pen.restore();
}

/** @param {Pen} pen @param {Scene} scene */
function paintTrail(pen, scene) {
  const { trail, inks, view, size } = scene;
  const n = Math.floor(trail.length / 3);
  if (!n) return;
  const spots = Array.from({ length: n }, (_, i) => toScreen(view, size, trail[3 * i], trail[3 * i + 1]));
  const trace = (/** @type {string} */ color, /** @type {number} */ width, /** @type {number} */ alpha) => {
    Object.assign(pen, { strokeStyle: color, lineWidth: width, globalAlpha: alpha });
    pen.beginPath();
    for (const spot of spots) pen.lineTo(...spot);
    pen.stroke();
  };
  pen.save();
  trace(inks.paper, 3.5, 0.5);
  trace(inks.accent, 1.5, 0.55);
  pen.fillStyle = inks.accent;
  pen.globalAlpha = 0.8;
  const dots = n <= 1500 ? spots.filter((spot) => inPicture(spot, size)) : [];
  for (const [x, y] of dots) pen.fillRect(x - 1.5, y - 1.5, 3, 3);
  pen.restore();
}

/** @param {Pen} pen @param {Scene} scene */
function paintRings(pen, scene) {
  const { data, inks } = scene;
  /** @param {number} i @param {number} more @param {number} width @param {string} color @param {number[]} dash */
  const ring = (i, more, width, color, dash = []) => {
    if (i < 0 || i >= data.n || !data.hasPlace(i)) return;
    const place = at(scene, i);
    if (!inPicture(place, scene.size)) return;
    pen.lineWidth = width;
    pen.strokeStyle = color;
    pen.setLineDash(dash);
    pen.beginPath();
    pen.arc(...place, diameterOf(scene, i) / 2 + more, 0, 2 * Math.PI);
    pen.stroke();
  };
  /** @param {number[] | Uint32Array} points @param {number} more @param {number} width */
  const many = (points, more, width) => {
    const shown = points.length > RINGS ? points.slice(0, RINGS) : points;
    for (const i of shown) if (data.shown(i)) ring(i, more, width, inks.ink);
  };
  pen.save();
  if (scene.chosen.length <= RINGS) many(scene.chosen, 1, 1);
  many(scene.found, 2.5, 1.5);
  many(scene.same, 2.5, 1.5);
  ring(scene.current, 5.5, 5, inks.paper);
  ring(scene.current, 5.5, 2.5, inks.accent);
  ring(scene.hover, 3, 4, inks.paper);
  ring(scene.hover, 3, 2, inks.ink);
  if (scene.cursor !== scene.hover) ring(scene.cursor, 8, 1.5, inks.ink, [3, 3]);
  pen.restore();
}

/**
 * Names by level: from afar those of the largest groups, or where something is selected, and more from near.
 * @param {Pen} pen @param {Scene} scene
 */
function paintLabels(pen, scene) {
  const { labels, inks, view, size, zoom, moving, spots, covered } = scene;
  if (!labels.length) return;
  const room = Math.ceil(((size.width * size.height) / PER_LABEL) * Math.max(zoom, 1) ** 1.5);
  const most = Math.max(room, FEW); // of few names, each that finds a place is told
  const known = labels.map((label) => ({ ...label, weight: label.n + (holdsSelected(label, scene) ? 1e9 : 0) }));
  pen.save();
  Object.assign(pen, { textAlign: "center", textBaseline: "middle", lineWidth: 4, strokeStyle: inks.paper });
  const boxes = known
    .sort((a, b) => b.weight - a.weight)
    .slice(0, most)
    .map((label) => {
      pen.font = fontOf(label, inks);
      const text = shortened(pen, String(label.text), Math.min(LABEL, size.width / 2));
      const [x, y] = toScreen(view, size, label.x, label.y);
      // A single point has an extent of its own.
      const [rx, ry] = [label.rx, label.ry].map((half) => Math.max(half * view.k, scene.diameters[0] / 2));
      // Two groups may have one name, but not one middle.
      const key = `${label.x} ${label.y}`;
      return { ...label, key, text, x, y, rx, ry, width: pen.measureText(text).width, height: 15 };
    });
  // While something moves, names stay where they are beside their points, and none comes or goes.
  if (!moving) {
    spots.clear();
    placed(boxes, size, (box) => crowdIn(scene, box), covered).forEach((spot, i) => {
      if (spot) spots.set(boxes[i].key, [spot.x - boxes[i].x, spot.y - boxes[i].y]);
    });
  }
  for (const label of boxes) {
    const spot = spots.get(label.key);
    if (!spot) continue;
    pen.font = fontOf(label, inks);
    pen.strokeText(label.text, label.x + spot[0], label.y + spot[1]);
    pen.fillStyle = inks.ink;
    pen.fillText(label.text, label.x + spot[0], label.y + spot[1]);
  }
  pen.restore();
}

/** @param {Label} label @param {Inks} inks */
function fontOf({ strong }, { font }) {
  return `600 ${strong ? 13 : 12}px ${font}`;
}

/** @param {Label} label @param {Scene} scene */
function holdsSelected({ x, y, rx, ry }, { data, chosen }) {
  if (!chosen.length || chosen.length > RINGS) return false;
  return chosen.some((i) => Math.abs(data.xy[2 * i] - x) <= rx && Math.abs(data.xy[2 * i + 1] - y) <= ry);
}

/** How many points reach into a part of the picture. @param {Scene} scene @param {Box} box */
function crowdIn({ data, view, size, diameters }, [left, top, right, bottom]) {
  const around = diameters[0] / 2;
  const [west, north] = toMap(view, size, left - around, top - around);
  const [east, south] = toMap(view, size, right + around, bottom + around);
  return data.near.count([west, south, east, north], (i) => data.shown(i));
}

/** @param {Pen} pen @param {Scene} scene */
function paintLasso(pen, { lasso, inks }) {
  if (!lasso || lasso.length < 2) return;
  pen.save();
  pen.beginPath();
  for (const spot of lasso) pen.lineTo(...spot);
  pen.closePath();
  pen.fillStyle = inks.accent;
  pen.globalAlpha = 0.14;
  pen.fill();
  pen.globalAlpha = 1;
  Object.assign(pen, { strokeStyle: inks.paper, lineWidth: 3.5 });
  pen.stroke();
  Object.assign(pen, { strokeStyle: inks.accent, lineWidth: 1.5 });
  pen.setLineDash([5, 3]);
  pen.stroke();
  pen.restore();
}
