// @ts-nocheck
/** What draws a map's points: at once a canvas; then jupyter-scatter, where it can; a canvas again, where it fails. */
import { CanvasRenderer } from "./canvas_renderer.js";
import { canDraw, drawsSlowly, WebGLRenderer } from "./webgl_renderer.js";

const NO_WEBGL = "This browser offers no WebGL: the points are drawn without it, which takes longer.";
const LOST_WEBGL = "WebGL was lost: the points are drawn without it, which takes longer.";

export class Renderers {
  #now = new CanvasRenderer();
  #coming = null;
  #swift = null; // draws while something moves, where WebGL is too slow for that
  #painted = () => {};
  // Resolved when points have been on the screen.
  #seen = new Promise((done) => (this.#painted = () => requestAnimationFrame(() => setTimeout(done))));

  /**
   * @param {{host: object, signal: AbortSignal, repaint: () => void, changed: (kind: string) => void,
   *   say: (sentence: string) => void}} options
   */
  constructor({ host, signal, repaint, changed, say }) {
    Object.assign(this, { host, signal, repaint, changed, say });
    signal.addEventListener("abort", () => this.#end(), { once: true });
  }

  get el() {
    return this.#now.el;
  }

  get kind() {
    return this.#now.kind;
  }

  paint(scene) {
    if (this.#swift && scene.moving) {
      this.#swift.el.hidden = false;
      this.#swift.paint(scene);
    } else {
      this.#now.paint(scene);
      if (this.#swift && !this.#swift.el.hidden) this.#rest();
    }
    this.moving = scene.moving;
    if (scene.data.n) this.#painted();
  }

  /** A movement has ended: what has drawn it goes when the picture is there. */
  async #rest() {
    await this.#now.drawn();
    if (this.#swift && !this.moving) this.#swift.el.hidden = true;
  }

  /** Let the widget behind a reference draw; empty: none. */
  async use(ref) {
    this.wanted = ref;
    this.#coming?.destroy();
    this.#coming = null;
    this.say("");
    if (this.#now.kind !== "canvas") this.#take(new CanvasRenderer());
    if (!ref) return;
    if (!canDraw()) return this.say(NO_WEBGL);
    // What takes its time comes after what can be seen at once.
    await this.#seen;
    if (this.signal.aborted || this.wanted !== ref) return;
    const renderer = new WebGLRenderer({
      host: this.host,
      ref,
      ready: () => this.#ready(renderer),
      failed: (why) => this.#failed(renderer, why),
    });
    this.#coming = renderer;
    // Behind the canvas, as large as it will be.
    this.#now.el.before(renderer.el);
  }

  /** The points have been replaced as a whole. */
  renew(n) {
    if (this.#now.kind !== "canvas") this.#now.renew(n);
  }

  #ready(renderer) {
    if (renderer !== this.#coming) return this.repaint();
    this.#coming = null;
    this.#take(renderer);
  }

  #failed(renderer, why) {
    console.warn("embviz: a map is drawn without WebGL.", why);
    this.say(why?.type === "webglcontextlost" ? LOST_WEBGL : NO_WEBGL);
    if (renderer === this.#coming) this.#coming = null;
    if (renderer === this.#now) this.#take(new CanvasRenderer());
  }

  #take(renderer) {
    const before = this.#now;
    this.#now = renderer;
    if (!renderer.el.isConnected) before.el.before(renderer.el);
    before.destroy();
    this.#swift?.destroy();
    this.#swift = null;
    if (renderer.kind !== "canvas" && drawsSlowly()) {
      this.#swift = new CanvasRenderer();
      this.#swift.el.hidden = true;
      renderer.el.after(this.#swift.el);
    }
    this.changed(renderer.kind);
    this.repaint();
  }

  #end() {
    this.#coming?.destroy();
    this.#swift?.destroy();
    this.#now.destroy();
  }
}
