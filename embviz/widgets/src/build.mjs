/**
 * Joins the sources into `static/`: a script and a style sheet for pages with a kernel, and for each kind of exported
 * page. `node src/build.mjs` writes them, `node src/build.mjs --check` fails where what is there differs.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const src = fileURLToPath(new URL(".", import.meta.url));
const out = join(src, "..", "static");
const entries = ["widgets", "track_page", "collection_page"];

const { outputFiles } = await build({
  absWorkingDir: src,
  entryPoints: entries.flatMap((name) => [`${name}.js`, `${name}.css`]),
  outdir: out,
  bundle: true,
  minify: true,
  // What is exported becomes a variable, so that the text can stand in a page as it is, or in a module.
  format: "iife",
  globalName: "embviz",
  target: ["chrome111", "firefox113", "safari16.4"],
  charset: "utf8",
  banner: { js: "// Generated from src/ by build.mjs.", css: "/* Generated from src/ by build.mjs. */" },
  write: false,
});

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
