/** Lists of tracks to take away: as a playlist, and as a table. */

const line = (text) => String(text ?? "").replace(/[\r\n\u0085\u2028\u2029]+/g, " ").trim();

/**
 * A playlist for a player of music.
 * @param {{title: string, artist: string, seconds: number, file: string}[]} tracks `file` as seen from the playlist
 */
export function m3u(tracks) {
  const entries = tracks.flatMap(({ title, artist, seconds, file }) => {
    const said = [line(artist), line(title)].filter(Boolean).join(" - ");
    const length = Number.isFinite(seconds) ? Math.round(seconds) : -1;
    // A path is neither a remark nor an address.
    const path = /^#|^[^/]*:/.test(line(file)) ? `./${line(file)}` : line(file);
    return [`#EXTINF:${length},${said}`, path];
  });
  return ["#EXTM3U", ...entries, ""].join("\n");
}

/** A table of texts and numbers; what a spreadsheet would take for a formula is text there, too. */
export function csv(header, rows) {
  const cell = (value) => {
    if (value == null) return "";
    if (typeof value === "number") return String(value);
    const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [header, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
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
