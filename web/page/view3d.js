/** The hand in space on a plain canvas; dragging or arrow keys turn it. */
import { bonesOf } from "../src/camera.js";
import { groupColour } from "./palette.js";

/** @typedef {import("../src/contract.js").Contract} Contract */
/** @typedef {[number, number, number]} Point */

// Lengths are in reference bones. A hand is about 4.5 long, stretched.
const RADIUS = 2.2;
const EYE_DISTANCE = 10;
const FLOOR = 2.1;
const FLOOR_SIDE = 1.35;
const START = { yaw: -0.55, pitch: 0.32 };
const MAX_PITCH = Math.PI / 2;
const RADIANS_PER_PIXEL = 0.01;
const KEY_STEP = 0.15;

/** Shows the joints relative to the root. */
export class View3D {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    /** @type {{xyz: ArrayLike<number>, contract: Contract, opacity: number} | null} */
    this.hand = null;
    this.yaw = START.yaw;
    this.pitch = START.pitch;
    canvas.addEventListener("pointerdown", (event) => canvas.setPointerCapture(event.pointerId));
    canvas.addEventListener("pointermove", (event) => {
      if (!canvas.hasPointerCapture(event.pointerId)) return;
      this.turn(event.movementX * RADIANS_PER_PIXEL, event.movementY * RADIANS_PER_PIXEL);
    });
    canvas.addEventListener("dblclick", () => this.turnBack());
    canvas.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  /**
   * @param {ArrayLike<number> | null} xyz `x, y, z, ...`, or nothing.
   * @param {Contract} contract
   * @param {number} opacity
   */
  show(xyz, contract, opacity = 1) {
    this.hand = xyz && { xyz, contract, opacity };
    this.draw();
  }

  /**
   * @param {number} yaw
   * @param {number} pitch
   */
  turn(yaw, pitch) {
    this.yaw += yaw;
    this.pitch = Math.min(MAX_PITCH, Math.max(-MAX_PITCH, this.pitch + pitch));
    this.draw();
  }

  turnBack() {
    this.turn(START.yaw - this.yaw, START.pitch - this.pitch);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    /** @type {Record<string, () => void>} */
    const actions = {
      ArrowLeft: () => this.turn(-KEY_STEP, 0),
      ArrowRight: () => this.turn(KEY_STEP, 0),
      ArrowUp: () => this.turn(0, -KEY_STEP),
      ArrowDown: () => this.turn(0, KEY_STEP),
      Home: () => this.turnBack(),
    };
    if (!(event.key in actions)) return;
    actions[event.key]();
    event.preventDefault();
  }

  draw() {
    const { canvas, context, hand } = this;
    const size = Math.round(canvas.clientWidth * devicePixelRatio);
    if (canvas.width !== size || canvas.height !== size) {
      Object.assign(canvas, { width: size, height: size });
    }
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, size, size);
    this.drawFloor(size);
    if (!hand) return;
    const joints = centred(hand.xyz);
    const bones = bonesOf(hand.contract.joints);
    context.lineCap = "round";
    context.globalAlpha = 0.16 * hand.opacity;
    for (const [parent, joint] of bones) {
      const ends = [joints[parent], joints[joint]].map(([x, , z]) => this.project([x, FLOOR, z], size));
      this.line(ends[0], ends[1], getComputedStyle(canvas).color, size / 55);
    }
    const points = joints.map((joint) => this.project(joint, size));
    const parts = [
      ...bones.map((bone) => ({ bone, depth: (points[bone[0]].depth + points[bone[1]].depth) / 2 })),
      ...points.map(({ depth }, joint) => ({ joint, depth: depth - 0.05 })),
    ];
    // What is far away is drawn first, and fades a little.
    parts.sort((a, b) => b.depth - a.depth);
    for (const part of parts) {
      context.globalAlpha = hand.opacity * Math.min(1, Math.max(0.45, 0.85 - part.depth / 8));
      if ("bone" in part) {
        const [parent, joint] = part.bone;
        const colour = groupColour(hand.contract.grouping[joint]);
        this.line(points[parent], points[joint], colour, size / 50);
      } else {
        const { x, y, scale } = points[part.joint];
        context.fillStyle = groupColour(hand.contract.grouping[part.joint]);
        context.beginPath();
        context.arc(x, y, (size / 42) * scale, 0, 2 * Math.PI);
        context.fill();
      }
    }
    context.globalAlpha = 1;
  }

  /** @param {number} size */
  drawFloor(size) {
    this.context.globalAlpha = 0.18;
    const colour = getComputedStyle(this.canvas).color;
    for (const share of [-1, -0.5, 0, 0.5, 1]) {
      const at = share * FLOOR_SIDE;
      this.line(...this.floorLine([at, -FLOOR_SIDE], [at, FLOOR_SIDE], size), colour, size / 320);
      this.line(...this.floorLine([-FLOOR_SIDE, at], [FLOOR_SIDE, at], size), colour, size / 320);
    }
    this.context.globalAlpha = 1;
  }

  /**
   * @param {[number, number]} from
   * @param {[number, number]} to
   * @param {number} size
   * @returns {[Projected, Projected]}
   */
  floorLine([x1, z1], [x2, z2], size) {
    return [this.project([x1, FLOOR, z1], size), this.project([x2, FLOOR, z2], size)];
  }

  /**
   * @typedef {{x: number, y: number, depth: number, scale: number}} Projected
   * @param {Point} point
   * @param {number} size
   * @returns {Projected}
   */
  project([x, y, z], size) {
    const [cosYaw, sinYaw] = [Math.cos(this.yaw), Math.sin(this.yaw)];
    const [cosPitch, sinPitch] = [Math.cos(this.pitch), Math.sin(this.pitch)];
    const right = cosYaw * x - sinYaw * z;
    const away = sinYaw * x + cosYaw * z;
    const down = cosPitch * y - sinPitch * away;
    const depth = sinPitch * y + cosPitch * away;
    const scale = EYE_DISTANCE / (EYE_DISTANCE + depth);
    const unit = size / 2 / (RADIUS * 1.18);
    return { x: size / 2 + right * unit * scale, y: size * 0.43 + down * unit * scale, depth, scale };
  }

  /**
   * @param {Projected} from
   * @param {Projected} to
   * @param {string} colour
   * @param {number} width
   */
  line(from, to, colour, width) {
    const { context } = this;
    context.strokeStyle = colour;
    context.lineWidth = (width * (from.scale + to.scale)) / 2;
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x, to.y);
    context.stroke();
  }
}

/**
 * Joints around the middle of their extent.
 *
 * @param {ArrayLike<number>} xyz
 * @returns {Point[]}
 */
function centred(xyz) {
  const axes = [0, 1, 2].map((axis) => Array.from(xyz).filter((_, i) => i % 3 === axis));
  const middles = axes.map((values) => (Math.min(...values) + Math.max(...values)) / 2);
  return axes[0].map((_, joint) => {
    const [x, y, z] = axes.map((values, axis) => values[joint] - middles[axis]);
    return [x, y, z];
  });
}
