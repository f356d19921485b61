// @ts-nocheck
/**
 * A map's points on the widget of jupyter-scatter, which draws them with WebGL.
 *
 * It draws, and nothing else: where the camera is, and what hands do, is the map's own, so that both renderers behave
 * alike. Its points are x, y, the shade of the colour and the step of the size; a shade that is not shown is clear.
 */

import { refOf } from "../base/ui.js";
import { matrixOf } from "./camera.js";

const DIM = 0.22; // how strongly points are drawn that are not selected, where some are
const PATIENCE = 20_000; // milliseconds until the widget must have drawn
const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i;
const NEEDED = ["OES_texture_float", "WEBGL_color_buffer_float"];

/** Whether this browser can draw that way. */
export function canDraw() {
  try {
    const gl = document.createElement("canvas").getContext("webgl");
    const able = Boolean(gl) && NEEDED.every((name) => gl.getExtension(name));
    // There are few of them for a page.
    gl?.getExtension("WEBGL_lose_context")?.loseContext();
    return able;
  } catch {
    return false;
  }
}

/** Whether it draws in software, which takes its time. */
export function drawsSlowly() {
  const gl = document.createElement("canvas").getContext("webgl");
  const told = gl?.getExtension("WEBGL_debug_renderer_info");
  const name = told ? gl.getParameter(told.UNMASKED_RENDERER_WEBGL) : "";
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  return SOFTWARE.test(name);
}

export class WebGLRenderer {
  kind = "jscatter";
  el = document.createElement("div");
  #api = null;
  #keys = {};
  #selected = null;
  #shades = null;
  #sizes = null;
  #drawing = false;
  #again = false;
  #moved = false;
  #last = Promise.resolve(); // the last drawing
  #controller = new AbortController();

  /**
   * @param {{host: object, ref: string, ready: () => void, failed: (why: unknown) => void}} options `ready` is called
   *   when the points are there, `failed` when they never will be, or are no more
   */
  constructor({ host, ref, ready, failed }) {
    this.el.className = "ev-scatter-gl";
    this.el.setAttribute("aria-hidden", "true");
    Object.assign(this, { ready, failed });
    this.#mount(host, ref).catch((error) => this.#fail(error));
  }

  async #mount(host, ref) {
    const { signal } = this.#controller;
    const widget = await host.getWidget(refOf(ref));
    if (signal.aborted) return;
    // Its view answers before it has drawn, and cannot be taken away earlier.
    const inside = new AbortController();
    await widget.render({ el: this.el, signal: inside.signal });
    const container = await this.#found(() => [...this.el.querySelectorAll("div")].find(({ api }) => api), true);
    signal.addEventListener("abort", () => inside.abort(), { once: true });
    if (signal.aborted) return inside.abort();
    if (!container) throw new Error("The widget of jupyter-scatter did not draw.");
    for (let node = container; node !== this.el; node = node.parentElement) {
      node.style.setProperty("height", "100%", "important");
    }
    // Its buttons are not the map's.
    container.parentElement.parentElement.firstElementChild.style.setProperty("display", "none", "important");
    const { api } = container;
    this.#inTurn(api);
    const lost = (event) => this.#fail(event);
    api.get("renderer").canvas.addEventListener("webglcontextlost", lost, { signal });
    await api.set({ width: "auto", height: "auto", cameraIsFixed: true });
    if (!(await this.#found(() => api.get("isPointsDrawn")))) throw new Error("The points were not drawn.");
    await this.#last;
    if (signal.aborted) return;
    this.#api = api;
    this.ready();
  }

  /** Let drawings wait for one another, the widget's own, too: one that comes while another is made is refused. */
  #inTurn(api) {
    const draw = api.draw.bind(api);
    const over = () => this.#controller.signal.aborted;
    this.#last = this.#found(() => api.get("isPointsDrawn"));
    api.draw = (...given) => {
      const drawn = this.#last.then(() => !over() && draw(...given));
      this.#last = drawn.catch(() => {});
      return drawn;
    };
  }

  /** What is looked for in each frame, until it is there or too late; `always`: even when nobody wants it any more. */
  async #found(look, always = false) {
    const until = performance.now() + PATIENCE;
    while ((always || !this.#controller.signal.aborted) && performance.now() < until) {
      const found = look();
      if (found) return found;
      await new Promise(requestAnimationFrame);
    }
    return null;
  }

  #fail(why) {
    if (this.#controller.signal.aborted) return;
    this.failed(why);
    this.destroy();
  }

  /** @param {object} scene what is to be seen; see `scatter/scatter.js` */
  paint(scene) {
    if (!this.#api) return;
    this.#color(scene);
    this.#fill(scene.data);
    this.#select(scene.chosen);
    this.#change("view", matrixOf(scene.view, scene.size), (matrix) => {
      this.#api.view(matrix, { preventEvent: true });
    });
  }

  #color({ data, colors, opacity, diameters, paper, dark }) {
    // It compares opacities as if their order did not count, so no two may be alike.
    const opacities = colors.map((_, place) => (visible(data, place, colors.length) ? opacity - place * 1e-5 : 0));
    const looks = { pointColor: colors, pointColorActive: colors, pointColorHover: colors };
    this.#change("colors", looks, (value) => this.#api.set(value));
    this.#change("diameters", diameters, (value) => this.#api.set({ pointSize: value }));
    this.#change("opacities", opacities, (value) => this.#api.set({ opacity: value }));
    this.#change("paper", hexOf(paper) ?? (dark ? "#111111" : "#ffffff"), (value) => {
      this.#api.set({ backgroundColor: value, opacityInactiveScale: DIM, opacityInactiveMax: 1 });
    });
  }

  #change(name, value, apply) {
    const key = JSON.stringify(value);
    if (this.#keys[name] === key) return;
    this.#keys[name] = key;
    apply(value);
    this.#api.redraw();
  }

  /** Give the points other shades and sizes, where they have changed, and places, where the widget missed them. */
  #fill(data) {
    if (data.shades === this.#shades && data.sizes === this.#sizes && data.n === this.#api.get("points").length) return;
    const points = this.#api.get("points");
    if (points.length !== data.n) return;
    [this.#shades, this.#sizes] = [data.shades, data.sizes];
    const last = data.color.palette.length;
    let changed = false;
    for (let i = 0; i < data.n; i += 1) {
      const point = points[i];
      const x = data.xy[2 * i];
      const y = data.xy[2 * i + 1];
      if (point[0] !== x || point[1] !== y) {
        point[0] = x;
        point[1] = y;
        changed = this.#moved = true;
      }
      const place = data.place(i, (data.shades ? last : 1) + 1);
      const step = data.sizeStep(i);
      if (point[2] === place && point[3] === step) continue;
      point[2] = place;
      point[3] = step;
      changed = true;
    }
    if (changed) this.#redraw();
  }

  async #redraw() {
    this.#again = true;
    if (this.#drawing) return;
    this.#drawing = true;
    while (this.#again && !this.#controller.signal.aborted) {
      this.#again = false;
      const api = this.#api;
      const kinds = { zDataType: "categorical", wDataType: "categorical" };
      const moved = this.#moved;
      this.#moved = false;
      try {
        // Others may be on their way.
        await this.#last;
        const spatialIndex = moved ? undefined : api.get("spatialIndex");
        await api.draw(api.get("points"), { ...kinds, spatialIndex });
        this.#selected = null;
      } catch {
        // It is drawing something else: later, then.
        await new Promise((done) => setTimeout(done, 60));
        this.#again = true;
        this.#moved ||= moved;
      }
    }
    this.#drawing = false;
    if (!this.#controller.signal.aborted) this.ready();
  }

  #select(chosen) {
    if (this.#selected === chosen) return;
    this.#selected = chosen;
    if (chosen.length) this.#api.select(Array.from(chosen), { preventEvent: true });
    else this.#api.deselect({ preventEvent: true });
  }

  /** Resolves when what was painted last is on the screen. */
  async drawn() {
    const api = this.#api;
    // Where nothing had changed, nothing will be drawn.
    const late = new Promise((done) => setTimeout(done, 400));
    if (api) await Promise.race([late, new Promise((done) => api.subscribe("draw", done, 1))]);
  }

  /** The points have been replaced as a whole; resolves when the new ones are drawn. */
  async renew(n) {
    const api = this.#api;
    if (!api) return;
    await new Promise(requestAnimationFrame);
    await this.#last;
    await this.#found(() => api.get("isPointsDrawn") && api.get("points").length === n);
    [this.#shades, this.#sizes, this.#selected, this.#keys] = [undefined, undefined, null, {}];
    if (!this.#controller.signal.aborted) this.ready();
  }

  destroy() {
    this.#controller.abort();
    this.#api = null;
    this.el.remove();
  }
}

function visible(data, place, length) {
  if (!data.shades) return data.shownShades[0] === 1;
  return data.shownShades[place === length - 1 ? 255 : place] === 1;
}

/** A CSS colour as jupyter-scatter reads it, or null. */
function hexOf(color) {
  const pen = document.createElement("canvas").getContext("2d");
  pen.fillStyle = "#010203";
  pen.fillStyle = color;
  return /^#[0-9a-f]{6}$/.test(pen.fillStyle) && pen.fillStyle !== "#010203" ? pen.fillStyle : null;
}
