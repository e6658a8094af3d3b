/** Follows one hand from frame to frame, by the contract's section `tracking`. */
import { recoverWeakPerspective } from "./camera.js";
import { InputError } from "./errors.js";
import { OneEuroFilter } from "./one_euro.js";
import { landmarkBox, touchesPicture } from "./track_box.js";

/**
 * @typedef {import("./crop.js").Box} Box
 * @typedef {import("./crop.js").Picture} Picture
 * @typedef {import("./predictor.js").Hand} Hand
 * @typedef {import("./predictor.js").Predictor} Predictor
 */

/** Looks where the hand was in the frame before; joints that rest are calmed. */
export class Tracker {
  /**
   * @param {Predictor} predictor
   * @throws {InputError} If the contract does not say how to track.
   */
  constructor(predictor) {
    const { tracking, model } = predictor.contract;
    if (!tracking) {
      throw new InputError(
        `${model.file}: expected a contract with the section tracking. Received: none. ` +
          "Single pictures work; make the bundle again with this version to follow hands.",
      );
    }
    this.predictor = predictor;
    this.rule = tracking;
    this.uvFilter = new OneEuroFilter(tracking.filter);
    this.zFilter = new OneEuroFilter(tracking.filter);
    /** @type {Hand | null} The last frame's hand, unsmoothed, while one is followed. */
    this.last = null;
  }

  /** Ends the track: the next frame looks for a hand anew. */
  reset() {
    this.last = null;
    this.uvFilter.reset();
    this.zFilter.reset();
  }

  /**
   * @param {Picture} picture The next frame.
   * @param {number} timeSeconds When it was taken, later than the last.
   * @param {Box} startBox Where to look while no hand is followed.
   * @returns {Promise<{found: boolean, hand: Hand | null}>} The smoothed hand; if none was
   *   found, what the network saw instead, `null` if there was nowhere to look.
   */
  async next(picture, timeSeconds, startBox) {
    const box = this.last ? landmarkBox(this.last.uv) : startBox;
    if (!touchesPicture(box, picture.width, picture.height)) {
      this.reset(); // the hand has left the picture
      return { found: false, hand: null };
    }
    const hand = await this.predictor.predict(picture, box, this.last?.side ?? null);
    if (!isPresent(hand, this.rule)) {
      this.reset();
      return { found: false, hand };
    }
    this.last = hand;
    const [, , width, height] = landmarkBox(hand.uv);
    const uv = this.uvFilter.filter(timeSeconds, hand.uv, Math.max(width, height));
    const z = this.zFilter.filter(timeSeconds, hand.z, 1);
    const { joints, recovery } = this.predictor.contract;
    const xyz = recoverWeakPerspective(uv, z, joints, recovery);
    return { found: true, hand: { ...hand, uv, z, xyz } };
  }
}

/**
 * Whether the network believes in a hand; one that cannot tell always does.
 *
 * @param {{presence: number | null}} hand
 * @param {import("./contract.js").Tracking} [rule]
 */
export function isPresent({ presence }, rule) {
  const least = rule?.presence_threshold;
  return presence === null || least === undefined || presence >= least;
}
