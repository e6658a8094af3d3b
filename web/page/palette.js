/** Colours of joint groups. */

// The first are from the palette of Okabe and Ito, which colour-blind people can tell apart.
const FIRST = ["#56b4e9", "#e69f00", "#cc79a7", "#009e73", "#f0e442", "#d55e00", "#0072b2"];
const GOLDEN_ANGLE_DEG = 137.508;

/**
 * @param {number} group
 * @returns {string} A colour of CSS.
 */
export function groupColour(group) {
  return FIRST[group] ?? `hsl(${Math.round(group * GOLDEN_ANGLE_DEG) % 360} 70% 60%)`;
}
