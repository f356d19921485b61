/**
 * Colours: maps from a byte to a colour, and strokes for curves. All are told apart by the colour-blind.
 *
 * Conventions: a map is named; byte 0 is its lowest colour, 255 its highest; the middle of a diverging map is neutral.
 */

const MAPS = {
  viridis: "#440154 #482475 #414487 #355f8d #2a788e #21918c #22a884 #44bf70 #7ad151 #bddf26 #fde725".split(" "),
  balance: "#152150 #1d4aa8 #2f86c6 #93bdd2 #f2efee #dda78f #c65a3f #9c1b2c #420b18".split(" "),
  // The same for dark paper, which a white middle would outshine: what is strong is bright.
  night: "#c3e3ff #78baf4 #3d8ad2 #245686 #17181b #773822 #c25d2e #f3a06a #ffe3c9".split(" "),
};

const STROKES = [
  { light: "#0067a8", dark: "#58b4f0", dash: [] },
  { light: "#c24e00", dark: "#ff9d5c", dash: [7, 3] },
  { light: "#007f5c", dark: "#35c99b", dash: [2, 2] },
  { light: "#a8437f", dark: "#eb9bc8", dash: [9, 3, 2, 3] },
  { light: "#7a6200", dark: "#e3c84e", dash: [4, 2] },
  { light: "#5b4bb5", dark: "#b0a4f5", dash: [12, 4] },
  { light: "#4d5761", dark: "#b4bec8", dash: [1, 3] },
];

/** @type {Map<string, Uint32Array>} */
const palettes = new Map();

/** Whether a map diverges from a neutral middle. @param {string} name */
export function isDiverging(name) {
  return name === "balance" || name === "night";
}

/** The diverging map that suits the paper. @param {boolean} dark @returns {"night" | "balance"} */
export function diverging(dark) {
  return dark ? "night" : "balance";
}

/**
 * The colours of a map as the words of an ImageData (red in the lowest byte).
 * @param {import("../types.js").MapName} name @returns {Uint32Array} 256 of them, shared: not to be written to
 */
export function palette(name) {
  const made = palettes.get(name) ?? Uint32Array.from({ length: 256 }, (_, i) => word(colorAt(name, i / 255)));
  palettes.set(name, made);
  return made;
}

/**
 * Red, green and blue (0 to 255) at a place of a map.
 * @param {import("../types.js").MapName} name @param {number} share from 0 to 1
 */
export function colorAt(name, share) {
  const stops = MAPS[name];
  if (!stops) throw new Error(`There is no colour map “${name}”.`);
  const place = Math.min(Math.max(share, 0), 1) * (stops.length - 1);
  const stop = Math.min(Math.floor(place), stops.length - 2);
  const [from, to] = [channels(stops[stop]), channels(stops[stop + 1])];
  return from.map((low, i) => Math.round(low + (to[i] - low) * (place - stop)));
}

/**
 * A map as the value of CSS's background.
 * @param {import("../types.js").MapName} name @param {string} direction such as "to top"
 */
export function gradient(name, direction = "to right") {
  return `linear-gradient(${direction}, ${MAPS[name].join(", ")})`;
}

/**
 * Colour and dashes of the nth curve: never the same pair before all have been used.
 * @param {number} index @param {boolean} dark whether the paper is @returns {{color: string, dash: number[]}}
 */
export function stroke(index, dark) {
  const { light, dark: bright, dash } = STROKES[index % STROKES.length];
  return { color: dark ? bright : light, dash };
}

/** @param {string} hex such as #c0ffee */
function channels(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

/** @param {number[]} channels */
function word([red, green, blue]) {
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}
