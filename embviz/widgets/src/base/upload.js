/** Sounds from the reader's computer: chosen or dropped, and sent in parts. */
import { h } from "./dom.js";
import { nameOf, progressBar, quoted } from "./ui.js";

/** The largest file that can be handed in, in bytes. */
export const LARGEST_FILE = 200e6;
/** Bytes of a file in one message: Jupyter's server cuts the line at 10 MiB. */
export const PART = 4 * 2 ** 20;

/** Why a file cannot be handed in; empty where it can. @param {{name: string, size: number}} file */
export function refusal(file) {
  const name = quoted(file.name);
  if (!file.size) return `“${name}” is empty.`;
  if (file.size <= LARGEST_FILE) return "";
  const [size, most] = [file.size, LARGEST_FILE].map((bytes) => `${Math.round(bytes / 1e6)} MB`);
  return `“${name}” has ${size}; up to ${most} can be added here. Put it into the folder instead.`;
}

/** Where the parts of a file begin and end. @param {number} size @returns {[number, number][]} */
export function partsOfFile(size, part = PART) {
  return Array.from({ length: Math.ceil(size / part) }, (_, i) => [i * part, Math.min(size, (i + 1) * part)]);
}

/** Names that are offered first; what is handed in is judged by its content. */
const KINDS =
  "audio/*,video/*,.ac3,.aif,.aifc,.aiff,.ape,.asf,.caf,.flac,.m4a,.m4b,.mka,.mkv,.mpc,.oga,.ogg," +
  ".opus,.tak,.tta,.w64,.wma,.wv";

/**
 * What the parts of a panel share, as far as files need it.
 * @typedef {{el: HTMLElement, signal: AbortSignal, link: import("./commands.js").Link, notices: HTMLElement,
 *   say: (text: string, level?: string, remedy?: string) => void}} Panel
 */

/**
 * The way in for files.
 * @param {Panel} panel
 * @param {{label?: string, drop?: string, doing?: string, multiple?: boolean}} words what becomes of a file
 * @returns {{nodes: HTMLElement[], browse: () => void}} nodes to put into the panel
 */
export function fileDoor(panel, words = {}) {
  const { label = "Add a sound", drop = "Drop a sound to add it", doing = "Adding", multiple = true } = words;
  const input = h("input", { type: "file", accept: KINDS, multiple, hidden: true, "aria-label": label });
  const overlay = h("div.ev-panel-overlay", { hidden: true }, h("strong", {}, drop));
  input.addEventListener("change", () => {
    send(panel, [...(input.files ?? [])], doing);
    input.value = "";
  });
  takeDrops(panel, overlay, (files) => send(panel, multiple ? files : files.slice(0, 1), doing));
  return { nodes: [overlay, input], browse: () => input.click() };
}

/** @param {Panel} panel @param {HTMLElement} overlay @param {(files: File[]) => void} take */
function takeDrops(panel, overlay, take) {
  const { el, signal } = panel;
  let depth = 0;
  /** @param {"dragenter" | "dragleave" | "dragover" | "drop"} kind @param {(data: DataTransfer) => void} listener */
  const listen = (kind, listener) =>
    el.addEventListener(
      kind,
      (event) => {
        if (!event.dataTransfer?.types?.includes("Files")) return;
        // JupyterLab would take the file into its own folder.
        event.preventDefault();
        event.stopPropagation();
        listener(event.dataTransfer);
        overlay.hidden = depth <= 0;
      },
      { signal },
    );
  listen("dragenter", () => {
    depth += 1;
  });
  listen("dragleave", () => {
    depth -= 1;
  });
  listen("dragover", (data) => {
    data.dropEffect = "copy";
  });
  listen("drop", ({ items, files }) => {
    depth = 0;
    const folder = [...items].some((item) => item.kind === "file" && item.webkitGetAsEntry?.()?.isDirectory);
    if (folder) panel.say("A folder cannot be dropped here: drop the files in it.", "error");
    else take([...files]);
  });
}

/** @param {Panel} panel @param {File[]} files @param {string} doing */
async function send(panel, files, doing) {
  for (const file of files) {
    const no = refusal(file);
    if (no) panel.say(no, "error");
    else await sendOne(panel, file, doing);
  }
}

/** @param {Panel} panel @param {File} file @param {string} doing */
async function sendOne(panel, file, doing) {
  const bar = progressBar(`${doing} ${quoted(file.name)}`);
  const text = h("span", {}, `${doing} `, nameOf(file.name), "…");
  const line = h("div.ev-panel-notice.ev-panel-notice-info", { role: "status" }, text, bar.el);
  panel.notices.append(line);
  const parts = partsOfFile(file.size);
  try {
    for (const [part, [from, to]] of parts.entries()) {
      bar.update(from, file.size);
      const bytes = await file.slice(from, to).arrayBuffer();
      const heard = await panel.link.send("upload", { name: file.name, part, parts: parts.length }, [bytes]);
      if (!heard) return;
    }
  } catch {
    panel.say(`“${quoted(file.name)}” cannot be read.`, "error", "Is it still there?");
  } finally {
    line.remove();
  }
}
