/** The canvas with the picture, the skeleton over it, and the box that is dragged on it. */
import { landmarkBox } from "../src/track_box.js";
import { drawBox, drawSkeleton } from "./draw2d.js";

/**
 * @typedef {import("../src/contract.js").Contract} Contract
 * @typedef {import("../src/crop.js").Box} Box
 * @typedef {import("../src/predictor.js").Hand} Hand
 */

const MAX_HEIGHT_SHARE = 0.68; // of the window
const LEAST_DRAG = 8; // pixels of the screen; less is a click

/** Shows what the network saw. */
export class Stage {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {(box: Box) => void} onBox Called when a box was dragged.
   */
  constructor(canvas, onBox) {
    this.canvas = canvas;
    this.onBox = onBox;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    /** @type {HTMLCanvasElement | null} */
    this.picture = null;
    /** @type {{hand: Hand, contract: Contract, opacity: number} | null} */
    this.result = null;
    /** @type {Box | null} */
    this.box = null;
    /** @type {{x: number, y: number} | null} */
    this.dragStart = null;
    this.flipped = false;
    canvas.addEventListener("pointerdown", (event) => this.startDrag(event));
    canvas.addEventListener("pointermove", (event) => this.moveDrag(event));
    canvas.addEventListener("pointerup", (event) => this.endDrag(event));
    canvas.addEventListener("pointercancel", () => this.cancelDrag());
    addEventListener("resize", () => this.draw());
  }

  /**
   * @param {HTMLCanvasElement} picture
   * @param {boolean} flipped Whether it is shown as in a mirror; only what is seen changes.
   */
  show(picture, flipped = false) {
    this.picture = picture;
    this.result = null;
    this.flipped = flipped;
    this.canvas.hidden = false;
    this.canvas.classList.toggle("flipped", flipped);
    this.draw();
  }

  /** Draws everything anew, in the resolution of the screen. */
  draw() {
    const { picture, canvas, context } = this;
    if (!picture) return;
    const room = /** @type {HTMLElement} */ (canvas.parentElement).clientWidth;
    const heightRoom = innerHeight * MAX_HEIGHT_SHARE;
    const shown = Math.min(room / picture.width, heightRoom / picture.height);
    canvas.style.width = `${picture.width * shown}px`;
    canvas.style.height = `${picture.height * shown}px`;
    const width = Math.round(picture.width * shown * devicePixelRatio);
    const height = Math.round(picture.height * shown * devicePixelRatio);
    if (canvas.width !== width || canvas.height !== height) {
      Object.assign(canvas, { width, height });
    }
    context.setTransform(width / picture.width, 0, 0, height / picture.height, 0, 0);
    context.imageSmoothingQuality = "high";
    context.drawImage(picture, 0, 0);
    const pixel = 1 / shown;
    if (this.result) {
      const { hand, contract, opacity } = this.result;
      const [, , handWidth, handHeight] = landmarkBox(hand.uv);
      const thickness = Math.max(2 * pixel, Math.max(handWidth, handHeight) / 70);
      drawSkeleton(context, hand.uv, contract, thickness, opacity);
    }
    if (this.box) drawBox(context, this.box, pixel);
  }

  /** @param {PointerEvent} event */
  startDrag(event) {
    if (!event.isPrimary || event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.dragStart = { x: event.clientX, y: event.clientY };
    this.boxBefore = this.box;
  }

  /** @param {PointerEvent} event */
  moveDrag(event) {
    if (!this.dragStart) return;
    this.box = this.draggedBox(event) ?? this.boxBefore ?? null;
    this.draw();
  }

  /** @param {PointerEvent} event */
  endDrag(event) {
    if (!this.dragStart) return;
    const box = this.draggedBox(event);
    this.cancelDrag();
    if (box) this.onBox(box);
  }

  cancelDrag() {
    if (!this.dragStart) return;
    this.dragStart = null;
    this.box = this.boxBefore ?? null;
    this.draw();
  }

  /**
   * The box between the start of the drag and here, in pixels of the picture.
   *
   * @param {PointerEvent} event
   * @returns {Box | null}
   */
  draggedBox(event) {
    const { dragStart, picture } = this;
    if (!dragStart || !picture) return null;
    const area = this.canvas.getBoundingClientRect();
    const scale = picture.width / area.width;
    /** @param {number} x @param {number} limit */
    const within = (x, limit) => Math.min(limit - 0.5, Math.max(-0.5, x));
    /** @param {{x: number, y: number}} point */
    const at = ({ x, y }) => {
      const u = (this.flipped ? area.right - x : x - area.left) * scale - 0.5;
      const v = (y - area.top) * scale - 0.5;
      return { u: within(u, picture.width), v: within(v, picture.height) };
    };
    const first = at(dragStart);
    const second = at({ x: event.clientX, y: event.clientY });
    const width = Math.abs(first.u - second.u);
    const height = Math.abs(first.v - second.v);
    if (Math.min(width, height) < LEAST_DRAG * scale) return null;
    return [Math.min(first.u, second.u), Math.min(first.v, second.v), width, height];
  }
}
