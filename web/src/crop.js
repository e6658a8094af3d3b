/**
 * Square crops: box -> affine matrix `image -> crop`, the crop itself, and the way back.
 *
 * The same rule as tf_handgroups/crop.py. A matrix `[a, b, c, d, e, f]` maps `(u, v)` to
 * `(a u + b v + c, d u + e v + f)`; integer coordinates are pixel centres.
 */
import { InputError } from "./errors.js";

/** @typedef {[number, number, number, number, number, number]} Affine */
/** @typedef {[number, number, number, number]} Box `x, y, width, height` in image pixels */
/**
 * A picture: rows of pixels, `channels` bytes each (3 RGB or 4 RGBA, alpha is not looked at).
 * @typedef {{width: number, height: number, data: ArrayLike<number>, channels?: number}} Picture
 */

// Every step is rounded to single precision where Python rounds: crops are then equal bit by
// bit. An int8 model cannot forgive less, because values between two steps are frequent.
const { fround } = Math;

// Of a window that is a whole number of times the crop, rounding must not lose one.
const ROUNDING = 1e-6;

/**
 * The matrix that maps image pixels to pixels of the crop.
 *
 * @param {Box} box
 * @param {import("./contract.js").CropRule} rule The contract's section `crop`.
 * @param {boolean} mirror Whether the crop is flipped left to right.
 * @returns {Affine}
 */
export function cropMatrix([x, y, width, height], rule, mirror) {
  if (!(Number.isFinite(x + y + width + height) && width > 0 && height > 0)) {
    throw new InputError(
      "cropMatrix: expected a finite box x, y, width > 0, height > 0. " +
        `Received: box=${JSON.stringify([x, y, width, height])}.`,
    );
  }
  const size = rule.size_px;
  const scale = size / (rule.margin * Math.max(width, height));
  const shiftU = (size - 1) / 2 - scale * (x + width / 2);
  const shiftV = (size - 1) / 2 - scale * (y + height / 2);
  return mirror
    ? [-scale, 0, size - 1 - shiftU, 0, scale, shiftV]
    : [scale, 0, shiftU, 0, scale, shiftV];
}

/**
 * The way back. By elimination, not by Cramer's rule: for a crop without rotation the scale is
 * then exactly `1 / a`, as in Python.
 *
 * @param {Affine} matrix With `a` not 0, as of `cropMatrix`.
 * @returns {Affine}
 */
export function invert([a, b, c, d, e, f]) {
  const factor = d / a;
  const s = 1 / (e - factor * b);
  const r = -factor * s;
  const q = (-b / a) * s;
  const p = (1 - b * r) / a;
  return [p, q, -(p * c + q * f), r, s, -(r * c + s * f)];
}

/**
 * Maps points that lie one after the other in an array, `u, v, u, v, ...`.
 *
 * @param {Affine} matrix
 * @param {ArrayLike<number>} points
 * @returns {Float64Array}
 */
export function transformPoints([a, b, c, d, e, f], points) {
  const mapped = new Float64Array(points.length);
  for (let i = 0; i < points.length; i += 2) {
    mapped[i] = a * points[i] + b * points[i + 1] + c;
    mapped[i + 1] = d * points[i] + e * points[i + 1] + f;
  }
  return mapped;
}

/**
 * Cuts the crop out of a picture: blocks are averaged first where the window is larger than
 * the crop, then bilinear interpolation; outside is the border's value.
 *
 * @param {Picture} picture
 * @param {Affine} matrix Of `cropMatrix`.
 * @param {import("./contract.js").CropRule} rule The contract's section `crop`.
 * @returns {Float32Array} `size x size x 3`, RGB in [0, 1].
 */
export function cropImage(picture, matrix, rule) {
  const size = rule.size_px;
  const inverse = invert(matrix);
  const determinant = inverse[0] * inverse[4] - inverse[1] * inverse[3];
  const block = Math.max(1, Math.floor(Math.sqrt(Math.abs(determinant)) + ROUNDING));
  const toBlocks = /** @type {Affine} */ (inverse.map((value) => value / block));
  toBlocks[2] -= (block - 1) / (2 * block);
  toBlocks[5] -= (block - 1) / (2 * block);
  const corners = transformPoints(toBlocks, [0, 0, size - 1, 0, 0, size - 1, size - 1, size - 1]);
  const patch = averagedPatch(picture, block, corners, rule.border_value * 255);

  const crop = new Float32Array(size * size * 3);
  const [a, b, c, d, e, f] = toBlocks;
  for (let row = 0, target = 0; row < size; row++) {
    for (let column = 0; column < size; column++, target += 3) {
      const u = a * column + b * row + c;
      const v = d * column + e * row + f;
      const u0 = Math.floor(u);
      const v0 = Math.floor(v);
      const du = fround(u - u0);
      const dv = fround(v - v0);
      const [left, above] = [fround(1 - du), fround(1 - dv)];
      const source = ((v0 - patch.top) * patch.width + (u0 - patch.left)) * 3;
      for (let channel = 0; channel < 3; channel++) {
        const here = source + channel;
        const below = here + patch.width * 3;
        const top = mixed(patch.data[here], left, patch.data[here + 3], du);
        const bottom = mixed(patch.data[below], left, patch.data[below + 3], du);
        const value = fround(mixed(top, above, bottom, dv) / 255);
        crop[target + channel] = Math.min(1, Math.max(0, value));
      }
    }
  }
  return crop;
}

/**
 * `a x + b y` in single precision.
 *
 * @param {number} x
 * @param {number} a
 * @param {number} y
 * @param {number} b
 */
function mixed(x, a, y, b) {
  return fround(fround(x * a) + fround(y * b));
}

/**
 * The part of the reduced picture that the crop reads, with a border around the picture.
 *
 * @param {Picture} picture
 * @param {number} block Side of the blocks that are averaged.
 * @param {Float64Array} corners Corners of the crop in the reduced picture, `u, v, ...`.
 * @param {number} border Value outside of the picture, 0 to 255.
 */
function averagedPatch(picture, block, corners, border) {
  const us = corners.filter((_, index) => index % 2 === 0);
  const vs = corners.filter((_, index) => index % 2 === 1);
  const left = Math.floor(Math.min(...us));
  const top = Math.floor(Math.min(...vs));
  // One more, for the right and lower neighbours that are interpolated with.
  const width = Math.floor(Math.max(...us)) + 2 - left;
  const height = Math.floor(Math.max(...vs)) + 2 - top;
  const data = new Float32Array(width * height * 3).fill(border);
  const channels = picture.channels ?? 3;
  // Remainders at the right and at the bottom belong to no block, as in Python; a picture
  // that is smaller than a block is one block.
  const columns = Math.max(1, Math.floor(picture.width / block));
  const rows = Math.max(1, Math.floor(picture.height / block));
  const blockWidth = Math.min(block, picture.width);
  const blockHeight = Math.min(block, picture.height);
  const count = blockWidth * blockHeight;
  for (let row = Math.max(0, top); row < Math.min(rows, top + height); row++) {
    for (let column = Math.max(0, left); column < Math.min(columns, left + width); column++) {
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let y = row * block; y < row * block + blockHeight; y++) {
        let source = (y * picture.width + column * block) * channels;
        for (let x = 0; x < blockWidth; x++, source += channels) {
          red += picture.data[source];
          green += picture.data[source + 1];
          blue += picture.data[source + 2];
        }
      }
      const target = ((row - top) * width + (column - left)) * 3;
      data[target] = red / count;
      data[target + 1] = green / count;
      data[target + 2] = blue / count;
    }
  }
  return { left, top, width, height, data };
}
