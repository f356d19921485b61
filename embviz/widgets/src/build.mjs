/**
 * Joins the sources into `static/`: a script and a style sheet for pages with a kernel, the loader that finds them, and
 * a script and a sheet for each kind of exported page. `node src/build.mjs` writes them, `node src/build.mjs --check`
 * fails where what is there differs.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const src = fileURLToPath(new URL(".", import.meta.url));
const out = join(src, "..", "static");
const entries = ["widgets", "track_page", "collection_page"].flatMap((name) => [`${name}.js`, `${name}.css`]);

/** @type {import("esbuild").BuildOptions} */
const options = {
  absWorkingDir: src,
  outdir: out,
  bundle: true,
  target: ["chrome111", "firefox113", "safari16.4"],
  charset: "utf8",
  banner: { js: "// Generated from src/ by build.mjs.", css: "/* Generated from src/ by build.mjs. */" },
};

const outputs = await Promise.all([
  // What is exported becomes a variable, so that the text can stand in a page as it is, or in a module.
  build({ ...options, entryPoints: entries, minify: true, format: "iife", globalName: "embviz", write: false }),
  // Python calls its functions by their names.
  build({
    ...options,
    entryPoints: ["loader.js"],
    minifySyntax: true,
    minifyWhitespace: true,
    format: "esm",
    write: false,
  }),
]);
const outputFiles = outputs.flatMap((output) => output.outputFiles);

if (process.argv.includes("--check")) {
  const stale = outputFiles.filter(({ path, text }) => read(path) !== text).map(({ path }) => basename(path));
  if (stale.length) {
    console.error(`static/ is not what src/ gives: ${stale.join(", ")}. Run "npm run build" in embviz/widgets.`);
    process.exit(1);
  }
} else {
  mkdirSync(out, { recursive: true });
  for (const { path, text } of outputFiles) writeFileSync(path, text);
}

/** @param {string} path */
function read(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
