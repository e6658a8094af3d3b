import assert from "node:assert/strict";
import { test } from "node:test";
import { parseContract } from "../src/contract.js";
import { contract, contractValues } from "./case.js";

test("the shipped contract is accepted", () => {
  assert.equal(contract().decoding.kind, "coordinates");
});

/** @type {[string, (values: any) => void, RegExp][]} */
const REFUSED = [
  ["another schema", (v) => (v.schema = "other/7"), /expected schema .* Received: schema="other\/7"/],
  ["no schema", (v) => delete v.schema, /Received: schema=undefined/],
  ["no crop", (v) => delete v.crop, /crop\.shape to be square\. Received: crop\.shape=undefined/],
  ["another border", (v) => (v.crop.border = "replicate"), /crop\.border to be constant/],
  ["a margin in words", (v) => (v.crop.margin = "1.5"), /crop\.margin to be of type number/],
  ["an endless margin", (v) => (v.crop.margin = Infinity), /crop\.margin to be of type number/],
  ["another input", (v) => (v.input.dtype = "int16"), /input\.dtype to be float32 or uint8/],
  ["BGR", (v) => (v.input.colour_order = "BGR"), /input\.colour_order to be RGB/],
  ["another input size", (v) => (v.input.shape[1] = 64), /input\.shape to be \[1,128,128,3\]/],
  ["too few groups", (v) => v.grouping.pop(), /grouping\.length to be 21\. Received.*=20/],
  ["too few bones", (v) => v.recovery.bone_ratios.pop(), /recovery\.bone_ratios\.length to be 20/],
  ["another recovery", (v) => (v.recovery.kind = "new"), /recovery\.kind to be all_bones/],
  ["another output shape", (v) => (v.outputs.uv_px.shape = [1, 20, 2]), /outputs\.uv_px\.shape/],
  ["a lacking output", (v) => delete v.outputs.z_rel, /outputs\.z_rel\.shape.*=undefined/],
  ["another filter", (v) => (v.tracking.filter.kind = "kalman"), /tracking\.filter\.kind to be one_euro/],
  ["no threshold", (v) => delete v.tracking.presence_threshold, /tracking\.presence_threshold/],
  ["another positive side", (v) => (v.handedness.positive_logit = "left"), /handedness\.positive_logit/],
  ["unknown decoding", (v) => (v.decoding = { kind: "peak" }), /decoding\.kind to be coordinates or/],
  [
    "maps without stride",
    (v) => (v.decoding = { kind: "heatmap_expectation", heatmaps: "h", depth_maps: "d" }),
    /decoding\.stride_px to be of type number/,
  ],
];

for (const [name, change, message] of REFUSED) {
  test(`${name} is refused`, () => {
    const values = contractValues();
    change(values);
    assert.throws(() => parseContract(values, "hand.contract.json"), { name: "InputError", message });
  });
}

test("maps of other shapes are refused, those that fit are not", () => {
  const values = contractValues();
  values.decoding = {
    ...{ kind: "heatmap_expectation", heatmaps: "h", depth_maps: "d", stride_px: 4, offset_px: 1.5 },
    joints: [...Array(21).keys()],
  };
  values.outputs.h = { shape: [1, 32, 32, 21], dtype: "int8" };
  values.outputs.d = { shape: [1, 32, 32, 21], dtype: "int8" };
  assert.equal(parseContract(values, "hand").decoding.kind, "heatmap_expectation");
  values.outputs.d.shape = [1, 16, 16, 21];
  assert.throws(() => parseContract(values, "hand"), { message: /outputs\.d\.shape to be \[1,32,32,21\]/ });
  values.decoding.joints[3] = 4;
  assert.throws(() => parseContract(values, "hand"), { message: /decoding\.joints/ });
});

test("something else than an object is refused", () => {
  for (const values of [null, [], "text", 3]) {
    assert.throws(() => parseContract(values, "hand"), { name: "InputError" });
  }
});
