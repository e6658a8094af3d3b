/** Where to look for a hand: around its landmarks, in the whole picture, or in its middle. */

/** @typedef {import("./crop.js").Box} Box */

/**
 * The tight box of landmarks `u, v, u, v, ...`, each side at least one pixel.
 *
 * @param {ArrayLike<number>} uv
 * @returns {Box}
 */
export function landmarkBox(uv) {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < uv.length; i += 2) {
    left = Math.min(left, uv[i]);
    right = Math.max(right, uv[i]);
    top = Math.min(top, uv[i + 1]);
    bottom = Math.max(bottom, uv[i + 1]);
  }
  const box = [left, top, Math.max(1, right - left), Math.max(1, bottom - top)];
  return /** @type {Box} */ (box.map(Math.fround)); // in single precision, as Python's
}

/**
 * The box whose window is the whole picture.
 *
 * @param {number} width
 * @param {number} height
 * @param {number} margin Of the contract's section `crop`.
 * @returns {Box}
 */
export function fullFrameBox(width, height, margin) {
  return middleBox(width, height, Math.max(width, height) / margin);
}

/**
 * The box whose window is the largest square in the middle of the picture.
 *
 * @param {number} width
 * @param {number} height
 * @param {number} margin Of the contract's section `crop`.
 * @returns {Box}
 */
export function centreBox(width, height, margin) {
  return middleBox(width, height, Math.min(width, height) / margin);
}

/**
 * Whether a box can be looked into: it has an area and touches the picture.
 *
 * @param {Box} box
 * @param {number} width
 * @param {number} height
 */
export function touchesPicture([x, y, boxWidth, boxHeight], width, height) {
  const usable = Number.isFinite(x + y + boxWidth + boxHeight) && boxWidth > 0 && boxHeight > 0;
  // Pixels reach half a pixel beyond their centres.
  const inside = x + boxWidth > -0.5 && y + boxHeight > -0.5 && x < width - 0.5 && y < height - 0.5;
  return usable && inside;
}

/**
 * @param {number} width
 * @param {number} height
 * @param {number} side
 * @returns {Box}
 */
function middleBox(width, height, side) {
  return [(width - side - 1) / 2, (height - side - 1) / 2, side, side];
}
