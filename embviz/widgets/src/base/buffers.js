/** Arrays as they come over the wire: a DataView, an ArrayBuffer or a typed array, of which only a part may be ours. */

/** @param {DataView | ArrayBuffer | ArrayBufferView | null | undefined} bytes @returns {Uint8Array} without copying */
export function bytesOf(bytes) {
  if (!bytes) return new Uint8Array(0);
  if (bytes instanceof ArrayBuffer) return new Uint8Array(bytes);
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Little-endian numbers; copied where they are not aligned.
 * @template {Float32Array | Float64Array | Uint16Array | Int16Array | Int32Array | Uint32Array} Numbers
 * @param {DataView | ArrayBuffer | ArrayBufferView | null | undefined} bytes
 * @param {{new (buffer: ArrayBuffer, at: number, length: number): Numbers, BYTES_PER_ELEMENT: number}} Kind
 * @returns {Numbers}
 */
export function numbersOf(bytes, Kind) {
  const plain = bytesOf(bytes);
  const aligned = plain.byteOffset % Kind.BYTES_PER_ELEMENT ? plain.slice() : plain;
  return new Kind(
    /** @type {ArrayBuffer} */ (aligned.buffer),
    aligned.byteOffset,
    Math.floor(aligned.byteLength / Kind.BYTES_PER_ELEMENT),
  );
}
