/** Left or right: what a hand looks like, and when its picture is mirrored. */

/** @typedef {"left" | "right"} Side */

/**
 * The side of a hand whose crop was shown as it is and flipped: the look counts in which the
 * hand passes better for the side that the network expects.
 *
 * @param {number} asIs Handedness logit of the crop as it is.
 * @param {number} flipped Handedness logit of the flipped crop.
 * @param {{canonical: string, mirrored_before: string}} rule The contract's section.
 * @returns {Side}
 */
export function sideOf(asIs, flipped, rule) {
  return /** @type {Side} */ (flipped > asIs ? rule.mirrored_before : rule.canonical);
}

/**
 * Whether the crop of a hand is flipped for the network.
 *
 * @param {Side | null} side `null` where nobody knows.
 * @param {{mirrored_before: string}} rule The contract's section.
 */
export function isMirrored(side, rule) {
  return side === rule.mirrored_before;
}
