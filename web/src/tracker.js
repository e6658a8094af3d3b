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
    /** @type {{box: Box, side: Hand["side"]} | null} */
    this.track = null;
  }

  /** Ends the track: the next frame looks for a hand anew. */
  reset() {
    this.track = null;
    this.uvFilter.reset();
    this.zFilter.reset();
  }

  /**
   * @param {Picture} picture The next frame.
   * @param {number} timeSeconds When it was taken, later than the last.
   * @param {Box} startBox Where to look while no hand is followed.
   * @returns {Promise<{hand: Hand, found: boolean}>} The smoothed hand; if none was found, what
   *   the network saw instead.
   */
  async next(picture, timeSeconds, startBox) {
    const { box, side } = this.track ?? { box: startBox, side: null };
    const hand = await this.predictor.predict(picture, box, side);
    const nextBox = landmarkBox(hand.uv);
    const { presence_threshold: threshold } = this.rule;
    const present =
      hand.presence === null || threshold === undefined || hand.presence >= threshold;
    if (!present || !touchesPicture(nextBox, picture.width, picture.height)) {
      this.reset();
      return { hand, found: false };
    }
    this.track = { box: nextBox, side: hand.side };
    const uv = this.uvFilter.filter(timeSeconds, hand.uv, Math.max(nextBox[2], nextBox[3]));
    const z = this.zFilter.filter(timeSeconds, hand.z, 1);
    const { joints, recovery } = this.predictor.contract;
    const xyz = recoverWeakPerspective(uv, z, joints, recovery);
    return { hand: { ...hand, uv, z, xyz }, found: true };
  }
}
