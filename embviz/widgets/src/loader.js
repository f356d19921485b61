/**
 * What a widget is sent in place of its code: it finds the bundle of its kernel, loads it once per page, and draws.
 *
 * A bundle is a model that carries the script of all widgets and their style sheet, as gzip. Those of several versions
 * can be on one page: each is known by its hash.
 */

/**
 * @typedef {import("./types.js").RenderOptions & {signal: AbortSignal, host: import("./types.js").Host}} Options
 * @typedef {typeof import("./widgets.js")} Script
 * @typedef {Exclude<keyof Script, "setSheet" | "useSheet">} Name
 */

/** Where all widgets of a page find what one of them has loaded. */
const SCRIPTS = Symbol.for("embviz.scripts");

/**
 * Return what anywidget renders.
 * @param {Name} name of the widget @param {string} hash of the bundle
 * @param {{embviz: Script, css: string}} [whole] script and sheet, where they stand in the text of the widget itself
 */
export function widget(name, hash, whole) {
  return {
    /** @param {Options} options */
    async render(options) {
      const { model, el, signal, host } = options;
      const load = () => (whole ? ready(whole.embviz, whole.css) : loadBundle(host, model.get("_bundle")));
      const script = await loadOnce(hash, load).catch((error) => sayFailure(el, error));
      if (!script || signal.aborted) return undefined;
      script.useSheet(el, signal);
      return script[name].render(options);
    },
  };
}

/** @param {string} hash @param {() => Promise<Script>} load @returns {Promise<Script>} */
function loadOnce(hash, load) {
  const page = /** @type {Record<symbol, Map<string, Promise<Script>>>} */ (/** @type {unknown} */ (globalThis));
  page[SCRIPTS] ??= new Map();
  const scripts = page[SCRIPTS];
  const loading = scripts.get(hash) ?? load();
  scripts.set(hash, loading);
  // The next view tries again.
  loading.catch(() => scripts.delete(hash));
  return loading;
}

/** @param {import("./types.js").Host} host @param {string} ref of the bundle's model @returns {Promise<Script>} */
async function loadBundle(host, ref) {
  const model = await host.getModel(ref.replace("IPY_MODEL_", "anywidget:"));
  const [code, css] = await Promise.all([unzip(model.get("code")), unzip(model.get("css"))]);
  const url = URL.createObjectURL(new Blob([code, "export default embviz;"], { type: "text/javascript" }));
  try {
    return await ready((await import(url)).default, css);
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** @param {BufferSource} bytes gzip @returns {Promise<string>} */
function unzip(bytes) {
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
}

/** @param {Script} script @param {string} css */
async function ready(script, css) {
  script.setSheet(css);
  return script;
}

/** @param {HTMLElement} el @param {unknown} error */
function sayFailure(el, error) {
  console.warn("embviz: the code of a widget could not be loaded.", error);
  el.setAttribute("role", "alert");
  el.textContent = "This view could not be shown: run the cells above and this one again.";
}
