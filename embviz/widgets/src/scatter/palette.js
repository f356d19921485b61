/** The colours of a map as bytes: what a shade looks like. */

/**
 * CSS colours as red, green, blue and opacity of 0 to 255, as the browser itself understands them.
 * @param {string[]} colors @returns {Uint8ClampedArray<ArrayBuffer>} four for each
 */
export function bytesOfColors(colors) {
  const pen = /** @type {OffscreenCanvasRenderingContext2D} */ (
    new OffscreenCanvas(colors.length, 1).getContext("2d", { willReadFrequently: true })
  );
  colors.forEach((color, i) => {
    pen.fillStyle = "#808080";
    pen.fillStyle = color;
    pen.fillRect(i, 0, 1, 1);
  });
  return pen.getImageData(0, 0, colors.length, 1).data;
}
