/** From an image file to pixels. */
import { InputError } from "../src/errors.js";

// What browsers on phones still hold in one canvas.
const MAX_PIXELS = 16_000_000;

/**
 * Decodes an image file; the orientation that a camera noted is applied.
 *
 * @param {Blob} file
 * @param {string} name For messages.
 * @returns {Promise<HTMLCanvasElement>} Smaller than the file's picture only where it is huge.
 * @throws {InputError} If the file is no image that this browser knows.
 */
export async function readPicture(file, name) {
  /** @type {ImageBitmap} */
  let bitmap;
  try {
    // As Python reads it: colour profiles are not applied.
    bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" });
  } catch {
    throw new InputError(
      `${name}: expected an image that this browser can read, for example JPEG, PNG or WebP. ` +
        `Received: ${file.type || "a file of unknown type"}, ${file.size} bytes. ` +
        "Choose another file.",
    );
  }
  const shrink = Math.min(1, Math.sqrt(MAX_PIXELS / (bitmap.width * bitmap.height)));
  const width = Math.max(1, Math.floor(bitmap.width * shrink));
  const height = Math.max(1, Math.floor(bitmap.height * shrink));
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  drawingContext(canvas).drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  return canvas;
}

/**
 * The pixels of a canvas.
 *
 * @param {HTMLCanvasElement} canvas
 * @returns {import("../src/crop.js").Picture}
 */
export function pixelsOf(canvas) {
  const { width, height, data } = drawingContext(canvas).getImageData(0, 0, canvas.width, canvas.height);
  return { width, height, data, channels: 4 };
}

/**
 * The context of a canvas whose pixels are read often.
 *
 * @param {HTMLCanvasElement} canvas
 */
export function drawingContext(canvas) {
  const context = canvas.getContext("2d", { willReadFrequently: true });
  return /** @type {CanvasRenderingContext2D} */ (context);
}
