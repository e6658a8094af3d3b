/** Draws a skeleton and boxes over a picture. */
import { bonesOf } from "../src/camera.js";
import { groupColour } from "./palette.js";

/**
 * @typedef {import("../src/contract.js").Contract} Contract
 * @typedef {import("../src/crop.js").Box} Box
 */

const RIM = "rgba(10, 14, 20, 0.85)";

/**
 * @param {CanvasRenderingContext2D} context Its unit is one pixel of the picture.
 * @param {ArrayLike<number>} uv Joints `u, v, ...`; integers are pixel centres.
 * @param {Contract} contract
 * @param {number} thickness Of a bone, in pixels of the picture.
 * @param {number} opacity
 */
export function drawSkeleton(context, uv, contract, thickness, opacity) {
  const { joints, grouping } = contract;
  /** @param {number} joint @returns {[number, number]} */
  const at = (joint) => [uv[2 * joint] + 0.5, uv[2 * joint + 1] + 0.5];
  context.save();
  context.globalAlpha = opacity;
  context.lineCap = "round";
  // A dark rim keeps every colour readable on skin and paper.
  for (const rim of [thickness * 0.8, 0]) {
    for (const [parent, joint] of bonesOf(joints)) {
      context.strokeStyle = rim ? RIM : groupColour(grouping[joint]);
      context.lineWidth = thickness + rim;
      context.beginPath();
      context.moveTo(...at(parent));
      context.lineTo(...at(joint));
      context.stroke();
    }
    for (const joint of grouping.keys()) {
      context.fillStyle = rim ? RIM : groupColour(grouping[joint]);
      context.beginPath();
      context.arc(...at(joint), thickness * 1.35 + rim / 2, 0, 2 * Math.PI);
      context.fill();
    }
  }
  context.restore();
}

/**
 * @param {CanvasRenderingContext2D} context Its unit is one pixel of the picture.
 * @param {Box} box
 * @param {number} pixel Of the screen, in pixels of the picture.
 */
export function drawBox(context, [x, y, width, height], pixel) {
  context.save();
  for (const [colour, offset] of /** @type {const} */ ([[RIM, 6], ["#ffffff", 0]])) {
    context.strokeStyle = colour;
    context.lineWidth = 1.5 * pixel;
    context.setLineDash([6 * pixel, 6 * pixel]);
    context.lineDashOffset = offset * pixel;
    context.strokeRect(x + 0.5, y + 0.5, width, height);
  }
  context.restore();
}
