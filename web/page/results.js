/** The numbers beside the picture, and the file of joints. */
import { Latency } from "./latency.js";

/**
 * @typedef {import("../src/contract.js").Contract} Contract
 * @typedef {import("../src/predictor.js").Hand} Hand
 */

const MEDIAN_OF = 30;
const [UV_DIGITS, XYZ_DIGITS, BOX_DIGITS, PRESENCE_DIGITS] = [3, 5, 2, 4]; // as Python's predict

/** Shows what was found and how long it took. */
export class Results {
  /** @param {(id: string) => HTMLElement} element */
  constructor(element) {
    this.element = element;
    this.total = new Latency(MEDIAN_OF);
    this.network = new Latency(MEDIAN_OF);
  }

  /** Forgets the times of another model or picture. */
  reset() {
    this.total.reset();
    this.network.reset();
    for (const id of ["side", "presence", "time"]) this.element(id).textContent = "–";
    this.element("time-parts").textContent = "";
  }

  /** @param {Hand} hand */
  addTime(hand) {
    this.total.add(hand.cropMs + hand.networkMs);
    this.network.add(hand.networkMs);
    const [total, network, count] = [this.total.median, this.network.median, this.total.durations.length];
    this.element("time").textContent = `${total?.toFixed(1)} ms`;
    const looks = hand.looks > 1 ? `, ${hand.looks} looks` : "";
    this.element("time-parts").textContent =
      `Median of ${count}; the network took ${network?.toFixed(1)} ms of it${looks}.`;
  }

  /**
   * @param {Hand} hand
   * @param {boolean} found
   */
  show(hand, found) {
    this.element("side").textContent = found ? (hand.side ?? "unknown") : "–";
    this.element("presence").textContent =
      hand.presence === null ? "unknown" : `${(100 * hand.presence).toFixed(0)} %`;
  }
}

/**
 * A hand as it stands in the `predictions.json` of `tf-handgroups predict`.
 *
 * @param {Hand} hand
 * @param {string} image
 */
export function handToJson(hand, image) {
  return {
    image,
    box_px: hand.box.map((value) => rounded(value, BOX_DIGITS)),
    handedness: hand.side,
    presence: hand.presence === null ? null : rounded(hand.presence, PRESENCE_DIGITS),
    uv_px: points(hand.uv, 2, UV_DIGITS),
    xyz_relative: points(hand.xyz, 3, XYZ_DIGITS),
    xyz_camera_mm: null,
  };
}

/**
 * Lets the browser save a file of joints.
 *
 * @param {Hand} hand
 * @param {string} image
 * @param {Contract} contract
 */
export function saveHand(hand, image, contract) {
  const result = {
    schema: 1,
    model_sha256: contract.model.sha256,
    hands: [handToJson(hand, image)],
  };
  const link = document.createElement("a");
  const content = new Blob([`${JSON.stringify(result, null, 1)}\n`], { type: "application/json" });
  link.href = URL.createObjectURL(content);
  link.download = "predictions.json";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/**
 * @param {ArrayLike<number>} values
 * @param {number} dimensions
 * @param {number} digits
 */
function points(values, dimensions, digits) {
  const count = values.length / dimensions;
  return Array.from({ length: count }, (_, point) =>
    Array.from({ length: dimensions }, (_, axis) => rounded(values[point * dimensions + axis], digits)),
  );
}

/**
 * @param {number} value
 * @param {number} digits
 */
function rounded(value, digits) {
  return Number(value.toFixed(digits));
}
