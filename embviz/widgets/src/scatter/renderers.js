/** What draws a map's points: WebGL; and a canvas where there is none, while it is lost, and where it is too slow. */
import { CanvasRenderer } from "./canvas_renderer.js";
import { WebGLRenderer } from "./webgl_renderer.js";

/** @import { Renderer, Scene } from "./types.js" */

const NO_WEBGL = "This browser offers no WebGL 2: the points are drawn without it, which takes longer.";
const LOST_WEBGL = "WebGL was lost: the points are drawn without it, which takes longer.";
const PATIENCE = 2000; // milliseconds in which a lost context may be restored before it is told of

export class Renderers {
  /** @type {WebGLRenderer | null} */
  #webgl = null;
  #lost = false;
  #slow = false;
  /** @type {CanvasRenderer | null} */
  #canvas = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #telling;

  /** In it is what draws. */
  el = document.createElement("div");

  /**
   * @param {{signal: AbortSignal, repaint: () => void, changed: (kind: Renderer["kind"]) => void,
   *   say: (sentence: string) => void}} options
   */
  constructor({ signal, repaint, changed, say }) {
    this.el.className = "ev-scatter-points";
    this.repaint = repaint;
    this.changed = changed;
    this.say = say;
    signal.addEventListener("abort", () => this.#end(), { once: true });
  }

  get kind() {
    return this.#webgl && !this.#lost ? "webgl" : "canvas";
  }

  /** @param {Scene} scene */
  paint(scene) {
    // In software, what moves is drawn faster on the canvas, and what rests is drawn as everywhere.
    const canvas = this.kind === "canvas" || (this.#slow && scene.moving);
    if (canvas && !this.#canvas) {
      this.#canvas = new CanvasRenderer();
      this.el.append(this.#canvas.el);
    }
    if (this.#canvas) this.#canvas.el.hidden = !canvas;
    if (canvas) this.#canvas?.paint(scene);
    else this.#webgl?.paint(scene);
  }

  /** Let one of them draw. @param {string} kind "webgl", or "canvas" */
  use(kind) {
    this.#end();
    this.say("");
    if (kind === "webgl") this.#open();
    this.#tell();
  }

  #open() {
    try {
      this.#webgl = new WebGLRenderer({ lost: () => this.#lose(), restored: () => this.#restore() });
      this.#slow = this.#webgl.slow;
      this.el.append(this.#webgl.el);
    } catch (error) {
      console.warn("embviz: a map is drawn without WebGL.", error);
      this.say(NO_WEBGL);
    }
  }

  #lose() {
    this.#lost = true;
    this.#telling = setTimeout(() => this.say(LOST_WEBGL), PATIENCE);
    this.#tell();
  }

  #restore() {
    this.#lost = false;
    clearTimeout(this.#telling);
    this.say("");
    this.#tell();
  }

  #tell() {
    this.changed(this.kind);
    this.repaint();
  }

  #end() {
    clearTimeout(this.#telling);
    this.#webgl?.destroy();
    this.#canvas?.destroy();
    this.#webgl = this.#canvas = null;
    this.#lost = false;
  }
}
