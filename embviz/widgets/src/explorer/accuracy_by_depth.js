/** Accuracy along the depth of each model: where in the network what was asked for is known. */
import { h, shape } from "../base/dom.js";
import { nameOf, quoted } from "../base/ui.js";

const WIDTH = 460;
const HEIGHT = 120;
const LEFT = 44;
const TOP = 10;
const NAMES = 74; // pixels below the plot, for the names of the layers
const LONGEST = 14; // letters of a name

/**
 * @import { ScoreItem, Scores, TaskScores } from "./types.js"
 * @typedef {ScoreItem & {accuracy: number}} Layer whose accuracy is known
 */

/** Models of which several layers were compared, with these in order of depth. @param {Pick<TaskScores, "items">} task */
export function byDepth(task) {
  /** @type {Map<string, Layer[]>} */
  const models = new Map();
  for (const item of task.items ?? []) {
    if (item.accuracy == null) continue;
    const key = `${item.model}\n${item.classifier}`;
    const layers = models.get(key) ?? [];
    models.set(key, layers);
    layers.push(/** @type {Layer} */ (item));
  }
  const walks = [...models.values()].filter((items) => items.length > 2);
  return walks.map((items) => [...items].sort((a, b) => a.depth - b.depth));
}

/**
 * Where the layers lie in the picture.
 * @param {Pick<Layer, "accuracy" | "low" | "high">[]} items
 * @returns {{x: number, y: number, low: number, high: number}[]}
 */
export function placesOf(items) {
  const step = items.length > 1 ? (WIDTH - LEFT - 12) / (items.length - 1) : 0;
  const y = (/** @type {number} */ share) => TOP + (1 - Math.min(Math.max(share, 0), 1)) * HEIGHT;
  return items.map(({ accuracy, low, high }, i) => ({
    x: LEFT + i * step,
    y: y(accuracy),
    low: y(low ?? accuracy),
    high: y(high ?? accuracy),
  }));
}

/** A text that ends at a place. @param {number} x @param {number} y @param {string} text */
function tick(x, y, text) {
  return shape("text", { class: "ev-evaluation-tick", x, y, "text-anchor": "end" }, text);
}

/** @param {string} layer */
function short(layer) {
  const name = quoted(layer);
  return name.length > LONGEST ? `${name.slice(0, LONGEST - 1)}…` : name;
}

/**
 * The picture of one model.
 * @param {Layer[]} items its layers @param {number} chance @param {(key: number) => void} choose
 */
function walk(items, chance, choose) {
  const places = placesOf(items);
  const best = items.reduce((a, b) => (b.accuracy > a.accuracy ? b : a));
  const words = `Accuracy along the depth: best ${(100 * best.accuracy).toFixed(1)} % at ${quoted(best.layer)}`;
  const svg = shape("svg", { viewBox: `0 0 ${WIDTH} ${TOP + HEIGHT + NAMES}`, role: "img", "aria-label": words });
  const y = (/** @type {number} */ share) => TOP + (1 - share) * HEIGHT;
  for (const share of [0, 0.5, 1]) {
    svg.append(shape("line", { class: "ev-evaluation-grid", x1: LEFT - 4, x2: WIDTH - 8, y1: y(share), y2: y(share) }));
    svg.append(tick(LEFT - 8, y(share) + 4, `${100 * share} %`));
  }
  if (chance > 0) {
    svg.append(
      shape("line", { class: "ev-evaluation-chance-line", x1: LEFT - 4, x2: WIDTH - 8, y1: y(chance), y2: y(chance) }),
    );
  }
  const above = places.map(({ x, high }) => `${x},${high}`);
  const below = places.map(({ x, low }) => `${x},${low}`).reverse();
  svg.append(shape("polygon", { class: "ev-evaluation-band", points: [...above, ...below].join(" ") }));
  svg.append(shape("polyline", { class: "ev-evaluation-line", points: places.map((p) => `${p.x},${p.y}`).join(" ") }));
  items.forEach((item, i) => {
    const { x, y: top } = places[i];
    const title = shape("title", {}, `${quoted(item.layer)}: ${quoted(item.cv)}`);
    const look = item === best ? { class: "ev-evaluation-top", r: 5 } : { class: "ev-evaluation-dot", r: 3.5 };
    const dot = shape("circle", { ...look, cx: x, cy: top }, title);
    dot.addEventListener("click", () => choose(item.key));
    const name = tick(0, 0, short(item.layer));
    name.setAttribute("transform", `translate(${x + 3} ${TOP + HEIGHT + 12}) rotate(-50)`);
    svg.append(dot, name);
  });
  if (chance > 0) {
    const guess = tick(WIDTH - 8, y(chance) + 12, "guessing");
    guess.classList.add("ev-evaluation-chance-name");
    svg.append(guess);
  }
  return { svg, best };
}

/** @param {{choose: (key: number) => void}} act */
export function depthCharts({ choose }) {
  const el = h("div.ev-evaluation-depths", { hidden: true });
  let shown = "";
  return {
    el,
    /** @param {Pick<Scores, "rows">} scores @param {(name: string) => string} titleOf */
    update(scores, titleOf) {
      const key = JSON.stringify(scores.rows ?? []);
      if (key === shown) return;
      shown = key;
      const figures = (scores.rows ?? []).flatMap((task) =>
        byDepth(task).map((items) => {
          const { svg, best } = walk(items, task.chance, choose);
          const said = `best at ${quoted(best.layer)}: ${quoted(best.cv)}`;
          const name = nameOf(titleOf(items[0].model));
          return h("figure", {}, h("figcaption", {}, name, " ", h("span.ev-faint", { dir: "auto" }, said)), svg);
        }),
      );
      el.hidden = !figures.length;
      el.replaceChildren(...figures);
    },
  };
}
