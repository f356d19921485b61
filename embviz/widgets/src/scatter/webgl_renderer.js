/**
 * A map's points drawn by WebGL 2: a vertex for each, a round and smooth disc around it, only when something changes.
 *
 * A vertex has its place, the place it comes from, and four bytes: shade, step of size, and which of the passes draws
 * it. Colours, also of what is switched off, are in a texture of 256 shades; camera, sizes and opacity are uniforms.
 */
import { bytesOfColors } from "./palette.js";
import { partOf, passesOf } from "./passes.js";

/** @import { Renderer, Scene } from "./types.js" */

const AROUND = 64; // pixels beyond the picture where a point may have its middle, and reach into it
const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i;

const VERTEX = `#version 300 es
precision highp float;
uniform vec2 middle;
uniform vec2 scale;
uniform float share;
uniform float diameters[16];
uniform float most;
uniform float strength;
uniform uint part;
uniform sampler2D palette;
in vec2 before;
in vec2 now;
in uvec4 look;
flat out vec4 color;
flat out float radius;
flat out float side;
void main() {
  vec4 own = texelFetch(palette, ivec2(int(look.x), 0), 0);
  if (look.z != part || own.a == 0.0) {
    gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
    gl_PointSize = 1.0;
    return;
  }
  float diameter = min(diameters[look.y], most - 2.0);
  // What is smaller than a pixel is fainter than one.
  float alpha = strength * min(diameter, 1.0);
  color = vec4(own.rgb * alpha, alpha);
  radius = max(diameter, 1.0) / 2.0;
  side = ceil(2.0 * radius) + 2.0;
  gl_PointSize = side;
  gl_Position = vec4((mix(before, now, share) - middle) * scale, 0.0, 1.0);
}`;

const FRAGMENT = `#version 300 es
precision mediump float;
flat in vec4 color;
flat in float radius;
flat in float side;
out vec4 pixel;
void main() {
  float cover = clamp(radius + 0.5 - length(gl_PointCoord - 0.5) * side, 0.0, 1.0);
  if (cover == 0.0) discard;
  pixel = color * cover;
}`;

/** @implements {Renderer} */
export class WebGLRenderer {
  kind = /** @type {const} */ ("webgl");
  el = document.createElement("canvas");
  #gl;
  #controller = new AbortController();
  /** @type {ReturnType<typeof resourcesOf> | null} null while the context is lost */
  #made = null;
  /** What the buffers and the texture hold. @type {Record<string, unknown[]>} */
  #held = {};

  /**
   * @param {{lost: () => void, restored: () => void}} does called when the context has gone, and when it is there again
   * @throws {Error} where the browser has no WebGL 2
   */
  constructor({ lost, restored }) {
    this.el.className = "ev-scatter-canvas";
    this.el.setAttribute("aria-hidden", "true");
    // What is drawn stays: it is drawn only when something changes, and JupyterLab takes cells out of the page.
    const options = { antialias: false, depth: false, preserveDrawingBuffer: true };
    const gl = /** @type {WebGL2RenderingContext | null} */ (this.el.getContext("webgl2", options));
    if (!gl) throw new Error("The browser has no WebGL 2.");
    this.#gl = gl;
    this.#made = resourcesOf(gl);
    const { signal } = this.#controller;
    const lose = (/** @type {Event} */ event) => {
      event.preventDefault(); // So that it may be restored.
      this.#made = null;
      lost();
    };
    const restore = () => {
      this.#made = resourcesOf(gl);
      this.#held = {};
      restored();
    };
    this.el.addEventListener("webglcontextlost", lose, { signal });
    this.el.addEventListener("webglcontextrestored", restore, { signal });
  }

  /** Whether it draws in software, which takes its time. */
  get slow() {
    const told = this.#gl.getExtension("WEBGL_debug_renderer_info");
    return SOFTWARE.test(this.#gl.getParameter(told ? told.UNMASKED_RENDERER_WEBGL : this.#gl.RENDERER));
  }

  /** @param {Scene} scene */
  paint(scene) {
    const [gl, made, { data, glide, size, view }] = [this.#gl, this.#made, scene];
    if (!made || gl.isContextLost()) return;
    const ratio = globalThis.devicePixelRatio || 1;
    const [width, height] = [Math.round(size.width * ratio), Math.round(size.height * ratio)];
    if (this.el.width !== width || this.el.height !== height) Object.assign(this.el, { width, height });
    this.#upload(made, scene);
    gl.clear(gl.COLOR_BUFFER_BIT);
    if (!data.n) return;
    // Of a point whose middle is outside, nothing would be seen.
    const [wide, tall] = [width + 2 * AROUND, height + 2 * AROUND];
    gl.viewport(-AROUND, -AROUND, wide, tall);
    const { at } = made;
    gl.uniform2f(at.middle, view.x, view.y);
    gl.uniform2f(at.scale, (2 * view.k * ratio) / wide, (2 * view.k * ratio) / tall);
    gl.uniform1f(at.share, glide ? glide.share : 1);
    const [first] = scene.diameters;
    gl.uniform1fv(
      at.diameters,
      Array.from({ length: 16 }, (_, step) => (scene.diameters[step] ?? first) * ratio),
    );
    bind(gl, 0, glide ? made.before : made.now);
    bind(gl, 1, made.now);
    bind(gl, 2, made.looks);
    for (const [part, strength] of passesOf(scene)) {
      gl.uniform1ui(at.part, part);
      gl.uniform1f(at.strength, strength);
      gl.drawArrays(gl.POINTS, 0, data.n);
    }
  }

  /** Bring what has changed to where it is drawn. @param {Made} made @param {Scene} scene */
  #upload(made, { data, glide, selected, colors }) {
    const gl = this.#gl;
    const fill = (/** @type {WebGLBuffer} */ buffer, /** @type {ArrayBufferView} */ bytes) => {
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      gl.bufferData(gl.ARRAY_BUFFER, bytes, gl.STATIC_DRAW);
    };
    this.#where("now", [data.xy], () => fill(made.now, data.xy));
    // Where they came from is forgotten when they are there.
    this.#where("before", [glide?.from], () => fill(made.before, glide?.from ?? new Float32Array(0)));
    this.#where("looks", [data.n, data.shades, data.sizes, data.filtered, data.placed, selected], () => {
      fill(made.looks, looksOf(data, selected));
    });
    this.#where("palette", [colors.join(), data.shownShades.join("")], () => {
      const own = bytesOfColors(colors);
      const bytes = new Uint8Array(4 * 256);
      for (let shade = 0; shade < 256; shade += 1) {
        const place = Math.min(shade, colors.length - 1);
        if (data.shownShades[shade]) bytes.set(own.subarray(4 * place, 4 * place + 4), 4 * shade);
      }
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, bytes);
    });
  }

  /** @param {string} name @param {unknown[]} source @param {() => void} fill called where the source is another one */
  #where(name, source, fill) {
    const held = this.#held[name];
    if (held?.every((each, i) => each === source[i])) return;
    fill();
    this.#held[name] = source;
  }

  destroy() {
    this.#controller.abort();
    this.el.remove();
    // A page has few of them.
    this.#gl.getExtension("WEBGL_lose_context")?.loseContext();
  }
}

/** @typedef {ReturnType<typeof resourcesOf>} Made */

/** The program, the buffers and the texture in a context. @param {WebGL2RenderingContext} gl */
function resourcesOf(gl) {
  const program = gl.createProgram();
  const shaders = /** @type {const} */ ([
    [gl.VERTEX_SHADER, VERTEX],
    [gl.FRAGMENT_SHADER, FRAGMENT],
  ]);
  for (const [kind, text] of shaders) {
    const shader = /** @type {WebGLShader} */ (gl.createShader(kind));
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  for (const [place, name] of ["before", "now", "look"].entries()) gl.bindAttribLocation(program, place, name);
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
    throw new Error(`The points' program does not link: ${gl.getProgramInfoLog(program)}`);
  }
  gl.useProgram(program);
  gl.enable(gl.BLEND);
  gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  for (const side of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) {
    gl.texParameteri(gl.TEXTURE_2D, side, gl.NEAREST);
  }
  const [, largest] = gl.getParameter(gl.ALIASED_POINT_SIZE_RANGE);
  gl.uniform1f(gl.getUniformLocation(program, "most"), largest);
  const at = (/** @type {string} */ name) => gl.getUniformLocation(program, name);
  return {
    at: {
      middle: at("middle"),
      scale: at("scale"),
      share: at("share"),
      diameters: at("diameters"),
      strength: at("strength"),
      part: at("part"),
    },
    now: gl.createBuffer(),
    before: gl.createBuffer(),
    looks: gl.createBuffer(),
  };
}

/**
 * Let an attribute of the points come from a buffer.
 * @param {WebGL2RenderingContext} gl @param {number} place 0: before, 1: now, 2: look @param {WebGLBuffer} buffer
 */
function bind(gl, place, buffer) {
  gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
  gl.enableVertexAttribArray(place);
  if (place === 2) gl.vertexAttribIPointer(place, 4, gl.UNSIGNED_BYTE, 4, 0);
  else gl.vertexAttribPointer(place, 2, gl.FLOAT, false, 8, 0);
}

/**
 * Four bytes for each point: shade, step of size, the pass that draws it, nothing.
 * @param {Scene["data"]} data @param {Scene["selected"]} selected
 */
function looksOf(data, selected) {
  const { n, shades, sizes } = data;
  const looks = new Uint8Array(4 * n);
  for (let i = 0; i < n; i += 1) {
    if (shades) looks[4 * i] = shades[i];
    if (sizes) looks[4 * i + 1] = sizes[i] >> 4;
    looks[4 * i + 2] = partOf(data, selected, i);
  }
  return looks;
}
