/** Pictures and boxes in, hands in image pixels and bone lengths out; as Python's `predict`. */
import { recoverWeakPerspective } from "./camera.js";
import { cropImage, cropMatrix, invert, transformPoints } from "./crop.js";
import { decode } from "./decode.js";
import { InputError } from "./errors.js";
import { isMirrored, sideOf } from "./handedness.js";
import { touchesPicture } from "./track_box.js";

/**
 * @typedef {import("./contract.js").Contract} Contract
 * @typedef {import("./crop.js").Box} Box
 * @typedef {import("./crop.js").Picture} Picture
 * @typedef {import("./handedness.js").Side} Side
 * @typedef {(crop: Float32Array) => Promise<Record<string, Float32Array>>} Run
 * @typedef {object} Hand
 * @property {Box} box Where it was looked for.
 * @property {Side | null} side `null` if nobody knows; it was then taken for a right hand.
 * @property {number | null} presence Probability of a hand, `null` if the network cannot tell.
 * @property {Float64Array} uv Image pixels, `u, v, ...`.
 * @property {Float64Array} z Bone lengths relative to the root, away from the camera.
 * @property {Float64Array} xyz Camera axes in bone lengths, root at the origin, `x, y, z, ...`.
 * @property {number} looks How often the network looked.
 * @property {number} cropMs How long cutting out took, all looks together.
 * @property {number} networkMs How long the network took, all looks together.
 */

/** Finds the joints of hands. */
export class Predictor {
  /**
   * @param {Contract} contract
   * @param {Run} run Runs the network on a crop, see `Model`.
   */
  constructor(contract, run) {
    this.contract = contract;
    this.run = run;
  }

  /**
   * @param {Picture} picture
   * @param {Box} box Around the hand, tight.
   * @param {Side | null} side `null` if unknown: then both looks are tried.
   * @returns {Promise<Hand>}
   * @throws {InputError} If the box is empty or outside of the picture.
   */
  async predict(picture, box, side = null) {
    if (!touchesPicture(box, picture.width, picture.height)) {
      throw new InputError(
        `predict: expected a box that touches the picture of ${picture.width}x${picture.height} ` +
          `pixels. Received: box=${JSON.stringify(box)}.`,
      );
    }
    const rule = this.contract.handedness;
    let look = await this.look(picture, box, isMirrored(side, rule));
    let [looks, cropMs, networkMs] = [1, look.cropMs, look.networkMs];
    if (side === null && "handedness" in look.outputs) {
      const flipped = await this.look(picture, box, true);
      looks += 1;
      cropMs += flipped.cropMs;
      networkMs += flipped.networkMs;
      side = sideOf(look.outputs.handedness[0], flipped.outputs.handedness[0], rule);
      if (isMirrored(side, rule)) look = flipped;
    }
    const hand = handFrom(look.outputs, box, side, this.contract);
    return { ...hand, looks, cropMs, networkMs };
  }

  /**
   * @param {Picture} picture
   * @param {Box} box
   * @param {boolean} mirror
   */
  async look(picture, box, mirror) {
    const { crop: rule, decoding, outputs } = this.contract;
    const start = performance.now();
    const crop = cropImage(picture, cropMatrix(box, rule, mirror), rule);
    const cut = performance.now();
    const results = decode(await this.run(crop), decoding, outputs);
    return { outputs: results, cropMs: cut - start, networkMs: performance.now() - cut };
  }
}

/**
 * A hand from decoded outputs.
 *
 * @param {Record<string, ArrayLike<number>>} outputs
 * @param {Box} box
 * @param {Side | null} side
 * @param {Contract} contract
 */
export function handFrom(outputs, box, side, contract) {
  const { crop, handedness, joints, recovery } = contract;
  const toImage = invert(cropMatrix(box, crop, isMirrored(side, handedness)));
  const uv = transformPoints(toImage, outputs.uv_px);
  const z = Float64Array.from(outputs.z_rel);
  const xyz = recoverWeakPerspective(uv, z, joints, recovery);
  const presence = outputs.presence ? 1 / (1 + Math.exp(-outputs.presence[0])) : null;
  return { box, side, presence, uv, z, xyz };
}
