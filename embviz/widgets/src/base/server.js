/** Files of the Jupyter server that the page comes from. */

/**
 * Where a file of the Jupyter server is had; empty where the page does not come from one.
 * @param {string} path below the server's root, or an address @param {unknown} baseUrl of the server
 */
export function addressOf(path, baseUrl) {
  if (/^(data|blob|file|https?):|^\.\.?\//.test(path)) return path;
  if (!path || typeof baseUrl !== "string") return "";
  return `${baseUrl.replace(/\/*$/, "/")}files/${path.split("/").map(encodeURIComponent).join("/")}`;
}

/** Where the page's Jupyter server is, if it comes from one. @returns {unknown} */
export function baseUrl() {
  try {
    return JSON.parse(document.getElementById("jupyter-config-data")?.textContent ?? "").baseUrl;
  } catch {
    return undefined;
  }
}
