/** What draws a map's points: at once a canvas; then jupyter-scatter, where it can; a canvas again, where it fails. */
import { CanvasSurface } from "./surface_canvas.js";
import { GlSurface, canDraw, drawsSlowly } from "./surface_gl.js";

const NO_WEBGL = "This browser offers no WebGL: the points are drawn without it, which takes longer.";
const LOST_WEBGL = "WebGL was lost: the points are drawn without it, which takes longer.";

export class Surfaces {
  #now = new CanvasSurface();
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
    if (this.#now.kind !== "canvas") this.#take(new CanvasSurface());
    if (!ref) return;
    if (!canDraw()) return this.say(NO_WEBGL);
    // What takes its time comes after what can be seen at once.
    await this.#seen;
    if (this.signal.aborted || this.wanted !== ref) return;
    const surface = new GlSurface({
      host: this.host,
      ref,
      ready: () => this.#ready(surface),
      failed: (why) => this.#failed(surface, why),
    });
    this.#coming = surface;
    // Behind the canvas, as large as it will be.
    this.#now.el.before(surface.el);
  }

  /** The points have been replaced as a whole. */
  renew(n) {
    if (this.#now.kind !== "canvas") this.#now.renew(n);
  }

  #ready(surface) {
    if (surface !== this.#coming) return this.repaint();
    this.#coming = null;
    this.#take(surface);
  }

  #failed(surface, why) {
    console.warn("embviz: a map is drawn without WebGL.", why);
    this.say(why?.type === "webglcontextlost" ? LOST_WEBGL : NO_WEBGL);
    if (surface === this.#coming) this.#coming = null;
    if (surface === this.#now) this.#take(new CanvasSurface());
  }

  #take(surface) {
    const before = this.#now;
    this.#now = surface;
    if (!surface.el.isConnected) before.el.before(surface.el);
    before.destroy();
    this.#swift?.destroy();
    this.#swift = null;
    if (surface.kind !== "canvas" && drawsSlowly()) {
      this.#swift = new CanvasSurface();
      this.#swift.el.hidden = true;
      surface.el.after(this.#swift.el);
    }
    this.changed(surface.kind);
    this.repaint();
  }

  #end() {
    this.#coming?.destroy();
    this.#swift?.destroy();
    this.#now.destroy();
  }
}
