/** What stands around the content of the panel and of a map: tabs, messages, the work that runs, copying as code. */
import { h, icon, write } from "./dom.js";
import { addressOf, baseUrl } from "./server.js";
import { ICONS, nameOf, openDialog, plain, progressBar, progressText, quoted, uid } from "./ui.js";

/** Milliseconds for which a button says that it has done what it was pressed for. */
const SAID = 2000;

/**
 * Tabs that are walked with the arrow keys, and their pages.
 * @param {{label: string, tabs: {name: string, label: string, title?: string, page: HTMLElement}[],
 *   open: (name: string) => void}} options
 */
export function tabList({ label, tabs, open }) {
  const el = h("div.ev-panel-tabs", { role: "tablist", "aria-label": label });
  const nodes = tabs.map(({ name, label: text, title = "", page }) => {
    const tab = h("button.ev-plain.ev-panel-tab", { type: "button", role: "tab", id: uid("tab"), title }, text);
    tab.addEventListener("click", () => open(name));
    page.id ||= uid("page");
    tab.setAttribute("aria-controls", page.id);
    page.setAttribute("role", "tabpanel");
    page.setAttribute("aria-labelledby", tab.id);
    el.append(tab);
    return tab;
  });
  el.addEventListener("keydown", (event) => {
    const seen = nodes.filter((node) => !node.hidden);
    const at = seen.indexOf(/** @type {HTMLButtonElement} */ (event.target));
    const last = seen.length - 1;
    /** @type {Record<string, number>} */
    const targets = { ArrowRight: at === last ? 0 : at + 1, ArrowLeft: at ? at - 1 : last, Home: 0, End: last };
    const to = targets[event.key];
    if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    seen[to].focus();
    open(tabs[nodes.indexOf(seen[to])].name);
  });
  return {
    el,
    /** @param {string} name */
    show(name) {
      tabs.forEach((tab, i) => {
        const own = tab.name === name;
        nodes[i].setAttribute("aria-selected", String(own));
        nodes[i].tabIndex = own ? 0 : -1;
        tab.page.hidden = !own;
      });
    },
    /** Whether a tab is there to be opened. @param {string} name @param {boolean} on */
    offer(name, on) {
      nodes[tabs.findIndex((tab) => tab.name === name)].hidden = !on;
    },
    focus: (/** @type {string} */ name) =>
      nodes[tabs.findIndex((tab) => tab.name === name)]?.focus({ preventScroll: true }),
  };
}

/** @typedef {{level?: string, text?: string, remedy?: string, seq?: number, file?: string}} Notice */

/** A message that stays until it is dismissed. @param {Notice} notice @param {() => void} dismiss */
function noticeLine({ level, text, remedy, file }, dismiss) {
  const kind = level === "error" || level === "done" ? level : "info";
  const sign = { error: "!", done: "✓", info: "i" }[kind];
  const close = h("button.ev-plain", { type: "button", "aria-label": "Dismiss this message", title: "Dismiss" });
  close.addEventListener("click", dismiss);
  close.append(icon(ICONS.close));
  const more = remedy ? h("span.ev-panel-remedy", { dir: "auto" }, plain(remedy)) : null;
  const address = file ? addressOf(file, baseUrl()) : "";
  const said = address ? ["Written: ", fileLink(file ?? "", address)] : [nameOf(text), " ", more];
  return h(
    `div.ev-panel-notice.ev-panel-notice-${kind}`,
    { role: kind === "error" ? "alert" : "status" },
    h("span.ev-panel-sign", { "aria-hidden": "true" }, sign),
    h("span.ev-panel-sentence", { title: quoted(text) }, ...said),
    close,
  );
}

/** A link to a file of the server, in a tab of its own. @param {string} file @param {string} address */
function fileLink(file, address) {
  const name = file.split("/").at(-1) ?? file;
  return h("a", { href: address, target: "_blank", rel: "noopener", dir: "auto" }, plain(name));
}

/**
 * Messages: the kernel's last one, and the page's own.
 * @param {{link: import("./commands.js").Link, done?: HTMLElement}} options `done` is where it stands that something is
 *   done, if not with the others
 */
export function notices({ link, done }) {
  const own = h("div.ev-panel-notices");
  const kernel = h("div", { "aria-live": "polite" });
  /** @type {number | undefined} */
  let dismissed = -1;
  return {
    nodes: [kernel, own],
    own,
    /** Say a sentence of the page's own until it is dismissed. @param {string} text */
    say(text, level = "info", remedy = "") {
      const line = noticeLine({ level, text, remedy }, () => line.remove());
      own.append(line);
      return line;
    },
    /** @param {Notice} notice of the kernel */
    update(notice) {
      kernel.replaceChildren();
      done?.replaceChildren();
      if (!notice.text || notice.seq === dismissed) return;
      const dismiss = () => {
        dismissed = notice.seq;
        kernel.replaceChildren();
        done?.replaceChildren();
        link.send("dismiss_notice");
      };
      (notice.level === "done" && done ? done : kernel).append(noticeLine(notice, dismiss));
    },
  };
}

/** The line that says that the kernel is not heard. */
export function troubleLine() {
  const el = h("div.ev-panel-trouble", { role: "alert", hidden: true });
  return {
    el,
    /** @param {string} sentence */
    say(sentence) {
      el.hidden = !sentence;
      el.replaceChildren(
        ...(sentence ? [h("span.ev-panel-sign", { "aria-hidden": "true" }, "!"), h("span", {}, sentence)] : []),
      );
    },
  };
}

/**
 * The work that runs, with a button to cancel it.
 * @param {{link: import("./commands.js").Link, leave: () => void}} options `leave` gives the focus a new place when its
 *   button goes
 */
export function busyLine({ link, leave }) {
  const text = h("span.ev-panel-stage", { dir: "auto" });
  const bar = progressBar("Progress of the computation");
  const cancel = h("button", { type: "button", "aria-label": "Cancel the computation" }, "Cancel");
  cancel.addEventListener("click", () => link.send("cancel"));
  const el = h("div.ev-panel-busy", { hidden: true }, text, bar.el, cancel);
  return {
    el,
    /** @param {{text?: string, done?: number, total?: number}} work */
    update({ text: said, done, total }) {
      const focused = el.contains(document.activeElement);
      el.hidden = !said;
      if (focused && !said) leave();
      if (!said) return;
      const words = progressText(said, done, total);
      write(text, words);
      text.title = words;
      bar.update(done, total);
    },
  };
}

/**
 * The button that copies a view as Python; where the browser lends no clipboard, the code is shown.
 * @param {HTMLElement} root that a dialog would belong to @param {() => string} code @param {AbortSignal} signal
 */
export function copyButton(root, code, signal) {
  const label = h("span", { "aria-live": "polite" }, "Copy as code");
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const copied = () => {
    write(label, "Copied");
    clearTimeout(timer);
    timer = setTimeout(() => write(label, "Copy as code"), SAID);
  };
  const press = () => navigator.clipboard.writeText(code()).then(copied, () => showCode(root, code(), signal));
  const el = h("button", { type: "button", title: "The Python that gives this view" }, icon(ICONS.copy), label);
  // Pages that are not safe have no clipboard at all.
  el.addEventListener("click", () => (navigator.clipboard ? press() : showCode(root, code(), signal)));
  signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  return el;
}

/** @param {HTMLElement} root @param {string} code @param {AbortSignal} signal */
function showCode(root, code, signal) {
  const text = h("textarea", {
    value: code,
    readOnly: true,
    rows: 14,
    spellcheck: false,
    "aria-label": "Python code of this view",
  });
  const words = h("p.ev-faint", {}, "The browser does not let the panel copy: press Ctrl + C (⌘ C on a Mac).");
  openDialog(root, { label: "Copy as code", kind: "ev-panel-code", signal }, words, text);
  text.focus();
  text.select();
}
