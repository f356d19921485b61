/** Lists of tracks to take away: as a playlist, and as a table. */
import { formatTime } from "../base/time.js";

const line = (/** @type {unknown} */ text) =>
  String(text ?? "")
    .replace(/[\r\n\u0085\u2028\u2029]+/g, " ")
    .trim();

/**
 * A playlist for a player of music; moments are numbered, and VLC plays them from `start` to `stop`.
 * @param {{title: string, artist: string, seconds: number, file: string, start?: number, stop?: number}[]} tracks
 *   `file` as seen from the playlist
 */
export function m3u(tracks) {
  const entries = tracks.flatMap(({ title, artist, seconds, file, start, stop }, i) => {
    const said = [line(artist), line(title)].filter(Boolean).join(" - ");
    // A path is neither a remark nor an address.
    const path = /^#|^[^/]*:/.test(line(file)) ? `./${line(file)}` : line(file);
    if (start === undefined || stop === undefined || !Number.isFinite(start)) {
      return [`#EXTINF:${Number.isFinite(seconds) ? Math.round(seconds) : -1},${said}`, path];
    }
    const times = { "start-time": start, "stop-time": stop };
    return [
      `#EXTINF:${Math.max(1, Math.round(stop - start))},${i + 1}. ${said} (${formatTime(start)})`,
      ...Object.entries(times).map(([name, time]) => `#EXTVLCOPT:${name}=${time.toFixed(3)}`),
      path,
    ];
  });
  return ["#EXTM3U", ...entries, ""].join("\n");
}

// As in `embviz.core.spreadsheet`.
const FORMULA = /^[=+\-@\t\n\uff1d\uff0b\uff0d\uff20]/;
const ESCAPED = /^'+[=+\-@\t\n\uff1d\uff0b\uff0d\uff20]/;
const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;

/**
 * A table of texts and numbers; what a spreadsheet would take for a formula is text there, too.
 * @param {unknown[]} header @param {unknown[][]} rows
 */
export function csv(header, rows) {
  const cell = (/** @type {unknown} */ value) => {
    if (value == null) return "";
    if (typeof value === "number") return String(value);
    const plain = String(value).replace(/\r\n?/g, "\n");
    const text = (FORMULA.test(plain) && !NUMBER.test(plain)) || ESCAPED.test(plain) ? `'${plain}` : plain;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return `${[header, ...rows].map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`;
}

/** Hand a file to the reader. @param {string} name @param {string} text @param {string} type */
export function download(name, text, type) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  Object.assign(link, { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
