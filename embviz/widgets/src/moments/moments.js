/** The contact sheet of moments. */
import { h } from "../base/dom.js";

/** @param {import("../types.js").RenderOptions} options */
function render({ model, el }) {
  const root = h("div.embviz.ev-moments", { role: "group" }, String(model.get("title")));
  el.append(root);
  return () => root.remove();
}

export default { render };
