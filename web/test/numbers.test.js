import assert from "node:assert/strict";
import { test } from "node:test";
import { recoverAbsolute, recoverWeakPerspective } from "../src/camera.js";
import { cropMatrix, invert, transformPoints } from "../src/crop.js";
import { decode, dequantized, inputValues } from "../src/decode.js";
import { messageOf } from "../src/errors.js";
import { Latency } from "../page/latency.js";
import { groupColour } from "../page/palette.js";
import { contract } from "./case.js";

test("bytes are rounded as NumPy rounds, halves to even", () => {
  const crop = Float32Array.of(0, 0.5 / 255, 1.5 / 255, 2.5 / 255, 1);
  assert.deepEqual([...inputValues(crop, "uint8")], [0, 0, 2, 2, 255]);
  assert.equal(inputValues(crop, "float32"), crop);
});

test("integers mean what their scale says", () => {
  const values = dequantized(Int8Array.of(-128, 127), { scale: 0.5, zero_point: -128 });
  assert.deepEqual(values, Float32Array.of(0, 127.5));
});

test("maps that do not fit are refused", () => {
  const decoding = /** @type {const} */ ({
    ...{ kind: "heatmap_expectation", heatmaps: "h", depth_maps: "d", stride_px: 4, offset_px: 0 },
  });
  const joints = [...Array(21).keys()];
  const declared = { h: { shape: [1, 2, 2, 21] } };
  const maps = { h: new Float32Array(84), d: new Float32Array(83) };
  assert.throws(() => decode(maps, { ...decoding, joints }, declared), { message: /lengths=84, 83/ });
  const other = decode({ ...maps, d: new Float32Array(84), presence: [1] }, { ...decoding, joints }, declared);
  assert.deepEqual(other.presence, [1]);
  assert.deepEqual([...Array.from(other.uv_px).slice(0, 2)], [2, 2]);
});

test("a matrix and its inverse cancel", () => {
  const matrix = /** @type {any} */ ([3, 0.5, -4, -0.25, 2, 7]);
  const back = transformPoints(invert(matrix), transformPoints(matrix, [5, -6]));
  assert.ok(Math.abs(back[0] - 5) < 1e-12 && Math.abs(back[1] + 6) < 1e-12);
  const rule = /** @type {any} */ ({ size_px: 8, margin: 1.5 });
  assert.throws(() => cropMatrix([0, 0, 0, 5], rule, false), { message: /expected a finite box/ });
});

test("poses that are not finite or lack joints are refused", () => {
  const { joints, recovery } = contract();
  const uv = new Float64Array(42);
  const z = new Float64Array(21);
  const message = /expected 21 finite joints/;
  assert.throws(() => recoverWeakPerspective(uv.fill(NaN), z, joints, recovery), { message });
  assert.throws(() => recoverWeakPerspective([1, 2], z, joints, recovery), { message });
  const eye = /** @type {any} */ ([[1, 0, 0], [0, 1, 0], [0, 0, 1]]);
  assert.throws(() => recoverAbsolute(uv.fill(0), z, eye, 0, joints, recovery), { message: /boneMm=0/ });
  // All joints in one pixel: far away, but finite.
  assert.ok(recoverAbsolute(uv, z, eye, 40, joints, recovery).every(Number.isFinite));
});

test("the median is that of the last durations", () => {
  const latency = new Latency(3);
  assert.equal(latency.median, null);
  for (const duration of [100, 100, 4, 1]) latency.add(duration);
  assert.equal(latency.median, 4);
  latency.reset();
  latency.add(2);
  latency.add(5);
  assert.equal(latency.median, 3.5);
});

test("every joint may be a group of its own, with its own colour", () => {
  const colours = [...Array(21).keys()].map(groupColour);
  assert.equal(new Set(colours).size, 21);
});

test("whatever is thrown has a message", () => {
  assert.equal(messageOf(new TypeError("a")), "a");
  assert.equal(messageOf("b"), "b");
});
