/** The style sheet of the widgets, on the page for as long as one of them is. */

/** @type {WeakMap<Document | ShadowRoot, number>} views in each root that use the sheet */
const uses = new WeakMap();
const sheet = new CSSStyleSheet();

/** Give the sheet its text. @param {string} css */
export function setSheet(css) {
  sheet.replaceSync(css);
}

/**
 * Have the sheet in the document, or the shadow root, that a view is in, until its last view there is gone.
 * @param {HTMLElement} el @param {AbortSignal} signal
 */
export function useSheet(el, signal) {
  const node = el.getRootNode();
  // What is not on the page yet will be in its document.
  const root = node instanceof ShadowRoot ? node : document;
  const others = uses.get(root) ?? 0;
  uses.set(root, others + 1);
  if (!others) root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
  signal.addEventListener("abort", () => {
    const left = (uses.get(root) ?? 1) - 1;
    uses.set(root, left);
    if (!left) root.adoptedStyleSheets = root.adoptedStyleSheets.filter((each) => each !== sheet);
  });
}
