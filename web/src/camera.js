/**
 * From 2.5D (pixels, and depth relative to the root joint in bone lengths) to 3D, in closed
 * form, as tf_handgroups/camera.py explains it. Points lie one after the other in arrays.
 */
import { InputError } from "./errors.js";

/**
 * The contract's section `recovery`: lengths and weights of the bones from each joint but the
 * wrist to its parent, in the order of the joints.
 * @typedef {{bone_ratios: number[], bone_weights: number[], min_image_share: number,
 *   max_root_depth: number}} Recovery
 * @typedef {{parents: number[], root: number}} Skeleton The contract's section `joints`
 * @typedef {[[number, number, number], [number, number, number], [number, number, number]]} Matrix
 */

/**
 * The bones `[parent, joint]` of a skeleton.
 *
 * @param {Skeleton} skeleton
 * @returns {[number, number][]}
 */
export function bonesOf({ parents }) {
  const bones = parents.map((parent, joint) => /** @type {[number, number]} */ ([parent, joint]));
  return bones.filter(([parent, joint]) => parent !== joint);
}

/**
 * Camera axes in bone lengths with the root at the origin, without knowing the camera: its
 * scale is what makes the bones as long as an average hand's.
 *
 * @param {ArrayLike<number>} uv Image pixels, `u, v, ...`.
 * @param {ArrayLike<number>} z Bone lengths.
 * @param {Skeleton} skeleton
 * @param {Recovery} recovery
 * @returns {Float64Array} `x, y, z, ...`
 */
export function recoverWeakPerspective(uv, z, skeleton, recovery) {
  checkPose("recoverWeakPerspective", uv, z, skeleton);
  const weights = recovery.bone_weights;
  const squared = sum(bonesOf(skeleton), ([parent, joint], bone) => {
    const du = uv[2 * joint] - uv[2 * parent];
    const dv = uv[2 * joint + 1] - uv[2 * parent + 1];
    return weights[bone] * (du * du + dv * dv);
  });
  const whole = sum(recovery.bone_ratios, (ratio, bone) => weights[bone] * ratio * ratio);
  const inPlane = Math.max(
    sum(squaredInPlane(z, skeleton, recovery), (value, bone) => weights[bone] * value),
    recovery.min_image_share * whole,
  );
  const pxPerBone = Math.sqrt(Math.max(squared / inPlane, Number.MIN_VALUE));
  const { root } = skeleton;
  const xyz = new Float64Array(z.length * 3);
  for (let joint = 0; joint < z.length; joint++) {
    xyz[3 * joint] = (uv[2 * joint] - uv[2 * root]) / pxPerBone;
    xyz[3 * joint + 1] = (uv[2 * joint + 1] - uv[2 * root + 1]) / pxPerBone;
    xyz[3 * joint + 2] = z[joint] - z[root];
  }
  return xyz;
}

/**
 * Camera coordinates in mm, from the camera's matrix and the reference bone's length.
 *
 * @param {ArrayLike<number>} uv Image pixels, `u, v, ...`.
 * @param {ArrayLike<number>} z Bone lengths.
 * @param {Matrix} intrinsics Camera matrix of the same picture.
 * @param {number} boneMm
 * @param {Skeleton} skeleton
 * @param {Recovery} recovery
 * @returns {Float64Array} `x, y, z, ...`
 */
export function recoverAbsolute(uv, z, intrinsics, boneMm, skeleton, recovery) {
  checkPose("recoverAbsolute", uv, z, skeleton);
  if (!(boneMm > 0 && intrinsics[0][0] > 0 && intrinsics[1][1] > 0)) {
    throw new InputError(
      "recoverAbsolute: expected a positive bone length and a camera matrix with focal lengths " +
        `> 0. Received: boneMm=${boneMm}, intrinsics=${JSON.stringify(intrinsics)}.`,
    );
  }
  const rays = viewingRays(uv, intrinsics);
  const rootDepth = depthOfRoot(rays, z, skeleton, recovery);
  const xyz = new Float64Array(z.length * 3);
  for (let joint = 0; joint < z.length; joint++) {
    const depth = (rootDepth + z[joint]) * boneMm;
    xyz[3 * joint] = rays[2 * joint] * depth;
    xyz[3 * joint + 1] = rays[2 * joint + 1] * depth;
    xyz[3 * joint + 2] = depth;
  }
  return xyz;
}

/**
 * Solves a Z^2 + 2 b Z + c = 0, which makes the bones as long as they should be, for the larger
 * root; the nearest joint stays one bone in front of the camera.
 *
 * @param {Float64Array} rays
 * @param {ArrayLike<number>} z
 * @param {Skeleton} skeleton
 * @param {Recovery} recovery
 */
function depthOfRoot(rays, z, skeleton, recovery) {
  const inPlane = squaredInPlane(z, skeleton, recovery);
  let [a, b, c] = [0, 0, 0];
  bonesOf(skeleton).forEach(([parent, joint], bone) => {
    const weight = recovery.bone_weights[bone];
    for (const axis of [0, 1]) {
      const [near, far] = [rays[2 * parent + axis], rays[2 * joint + axis]];
      const slope = far - near;
      const offset = far * z[joint] - near * z[parent];
      a += weight * slope * slope;
      b += weight * slope * offset;
      c += weight * offset * offset;
    }
    c -= weight * inPlane[bone];
  });
  const root = Math.sqrt(Math.max(b * b - a * c, 0)) - b;
  // Where all joints fall into one pixel, a vanishes.
  const limit = recovery.max_root_depth;
  const depth = root < limit * a ? root / a : limit;
  return Math.max(depth, 1 - Math.min(...Array.from(z)));
}

/**
 * Where the viewing rays of pixels cross the plane z = 1.
 *
 * @param {ArrayLike<number>} uv
 * @param {Matrix} intrinsics
 */
function viewingRays(uv, [[fx, skew, cx], [, fy, cy]]) {
  const rays = new Float64Array(uv.length);
  for (let i = 0; i < uv.length; i += 2) {
    rays[i + 1] = (uv[i + 1] - cy) / fy;
    rays[i] = (uv[i] - cx - skew * rays[i + 1]) / fx;
  }
  return rays;
}

/**
 * Squared length of each bone that is left after its extent in depth, at least 0.
 *
 * @param {ArrayLike<number>} z
 * @param {Skeleton} skeleton
 * @param {Recovery} recovery
 */
function squaredInPlane(z, skeleton, recovery) {
  return bonesOf(skeleton).map(([parent, joint], bone) => {
    const depth = z[joint] - z[parent];
    return Math.max(recovery.bone_ratios[bone] ** 2 - depth * depth, 0);
  });
}

/**
 * @param {string} where
 * @param {ArrayLike<number>} uv
 * @param {ArrayLike<number>} z
 * @param {Skeleton} skeleton
 */
function checkPose(where, uv, z, { parents }) {
  const finite = Array.from(uv).every(Number.isFinite) && Array.from(z).every(Number.isFinite);
  if (!finite || uv.length !== 2 * parents.length || z.length !== parents.length) {
    throw new InputError(
      `${where}: expected ${parents.length} finite joints. ` +
        `Received: uv.length=${uv.length}, z.length=${z.length}, finite=${finite}.`,
    );
  }
}

/**
 * @template T
 * @param {T[]} items
 * @param {(item: T, index: number) => number} value
 */
function sum(items, value) {
  return items.reduce((total, item, index) => total + value(item, index), 0);
}
