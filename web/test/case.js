/** What several tests need: the contract of the shipped default variant, and a made-up network. */
import fs from "node:fs";
import { parseContract } from "../src/contract.js";

export const BUNDLE = new URL("../../android_assets/", import.meta.url);

/** The fields of the shipped contract, to be changed by a test. */
export function contractValues() {
  const { default: name, variants } = JSON.parse(fs.readFileSync(new URL("bundle.json", BUNDLE), "utf8"));
  return JSON.parse(fs.readFileSync(new URL(variants[name].contract, BUNDLE), "utf8"));
}

/** The same, checked. */
export function contract() {
  return parseContract(contractValues(), "hand.contract.json");
}

/** A grey picture. */
export const PICTURE = { width: 320, height: 240, data: new Uint8Array(320 * 240 * 3).fill(99) };

/**
 * A network that finds the same hand at the same place of every crop.
 *
 * @param {{presence?: number, asIs?: number, flipped?: number, centre?: number[]}} logits
 */
export function network({ presence = 9, asIs = 3, flipped = -3, centre = [63.5, 63.5] } = {}) {
  const calls = { count: 0 };
  /** @param {Float32Array} _crop */
  const run = async (_crop) => {
    const joints = [...Array(21).keys()];
    const handedness = calls.count++ % 2 ? flipped : asIs;
    return {
      uv_px: Float32Array.from(joints.flatMap((j) => [centre[0] + j - 10, centre[1] + 2 * (j - 10)])),
      z_rel: new Float32Array(21),
      presence: Float32Array.of(presence),
      handedness: Float32Array.of(handedness),
    };
  };
  return { run, calls };
}
