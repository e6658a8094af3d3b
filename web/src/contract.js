/**
 * The contract of a model: all that a runner must know, and the only place where it stands.
 *
 * `parseContract` refuses what this page cannot follow, so that no rule is guessed.
 */
import { InputError } from "./errors.js";

/**
 * @typedef {{size_px: number, margin: number, shape: string, border: string,
 *   border_value: number, interpolation: string}} CropRule
 * @typedef {{shape: number[], dtype: string, units: string,
 *   quantization?: {scale: number, zero_point: number}}} OutputTensor
 * @typedef {{kind: "coordinates"} | {kind: "heatmap_expectation", heatmaps: string,
 *   depth_maps: string, stride_px: number, offset_px: number, joints: number[]}} Decoding
 * @typedef {import("./one_euro.js").FilterRule & {kind: string}} TrackingFilter
 * @typedef {{presence_threshold?: number, box: {from: string}, filter: TrackingFilter}} Tracking
 * @typedef {import("./camera.js").Recovery} Recovery
 * @typedef {object} Contract
 * @property {string} schema
 * @property {{file: string, sha256: string, bytes: number, signature: string}} model
 * @property {{name: string, shape: number[], dtype: string, colour_order: string}} input
 * @property {CropRule} crop
 * @property {{order: string, names: string[], parents: number[], root: number}} joints
 * @property {Record<string, OutputTensor>} outputs
 * @property {Decoding} decoding
 * @property {{recipe: string}} quantization
 * @property {number[]} grouping
 * @property {{canonical: string, mirrored_before: string, positive_logit?: string}} handedness
 * @property {Recovery} recovery
 * @property {Tracking} [tracking]
 * @property {string} training_data
 * @property {string} licence
 */

export const CONTRACT_SCHEMA = "tf_handgroups.contract/1";

// Field -> type of its value, or the values that this page can follow.
/** @type {[string, string | unknown[]][]} */
const FIELDS = [
  ["model.file", "string"],
  ["model.sha256", "string"],
  ["model.bytes", "number"],
  ["model.signature", "string"],
  ["input.name", "string"],
  ["input.shape", "array"],
  ["input.dtype", ["float32", "uint8"]],
  ["input.colour_order", ["RGB"]],
  ["crop.shape", ["square"]],
  ["crop.size_px", "number"],
  ["crop.margin", "number"],
  ["crop.border", ["constant"]],
  ["crop.border_value", "number"],
  ["crop.interpolation", ["bilinear"]],
  ["joints.names", "array"],
  ["joints.parents", "array"],
  ["joints.root", "number"],
  ["outputs", "object"],
  ["quantization.recipe", "string"],
  ["grouping", "array"],
  ["handedness.canonical", ["left", "right"]],
  ["handedness.mirrored_before", ["left", "right"]],
  ["recovery.kind", ["all_bones"]],
  ["recovery.bone_ratios", "array"],
  ["recovery.bone_weights", "array"],
  ["recovery.min_image_share", "number"],
  ["recovery.max_root_depth", "number"],
  ["training_data", "string"],
  ["licence", "string"],
];

const TRACKING_FIELDS = /** @type {typeof FIELDS} */ ([
  ["tracking.box.from", ["landmarks"]],
  ["tracking.filter.kind", ["one_euro"]],
  ["tracking.filter.min_cutoff_hz", "number"],
  ["tracking.filter.beta", "number"],
  ["tracking.filter.derivative_cutoff_hz", "number"],
]);

const MAP_FIELDS = /** @type {typeof FIELDS} */ ([
  ["decoding.heatmaps", "string"],
  ["decoding.depth_maps", "string"],
  ["decoding.stride_px", "number"],
  ["decoding.offset_px", "number"],
  ["decoding.joints", "array"],
]);

/**
 * Checks the fields of a contract.
 *
 * @param {any} values What the JSON file holds.
 * @param {string} where Name of the file for messages.
 * @returns {Contract}
 * @throws {InputError} If the schema is unknown, or a field is missing, of a wrong type or
 *   something that this page cannot follow; the message names the field.
 */
export function parseContract(values, where) {
  if (typeOf(values) !== "object" || values.schema !== CONTRACT_SCHEMA) {
    throw new InputError(
      `${where}: expected schema ${CONTRACT_SCHEMA}. ` +
        `Received: schema=${JSON.stringify(values?.schema)}. Make the bundle with this version.`,
    );
  }
  const contract = { decoding: { kind: "coordinates" }, ...values };
  checkFields(contract, FIELDS, where);
  checkField(contract, "decoding.kind", ["coordinates", "heatmap_expectation"], where);
  if (contract.tracking !== undefined) checkFields(contract, TRACKING_FIELDS, where);
  if (contract.decoding.kind === "heatmap_expectation") checkFields(contract, MAP_FIELDS, where);
  if ("presence" in contract.outputs && contract.tracking !== undefined) {
    checkField(contract, "tracking.presence_threshold", "number", where);
  }
  if ("handedness" in contract.outputs) {
    checkField(contract, "handedness.positive_logit", [contract.handedness.canonical], where);
  }
  checkSizes(contract, where);
  return contract;
}

/**
 * @param {Contract} contract
 * @param {string} where
 */
function checkSizes(contract, where) {
  const joints = contract.joints.names.length;
  const size = contract.crop.size_px;
  const { decoding, outputs } = contract;
  expectEqual(where, "input.shape", contract.input.shape, [1, size, size, 3]);
  expectEqual(where, "joints.parents.length", contract.joints.parents.length, joints);
  expectEqual(where, "grouping.length", contract.grouping.length, joints);
  const { bone_ratios: ratios, bone_weights: weights } = contract.recovery;
  expectEqual(where, "recovery.bone_ratios.length", ratios.length, joints - 1);
  expectEqual(where, "recovery.bone_weights.length", weights.length, joints - 1);
  const logit = /** @type {[string, number[]][]} */ (
    ["presence", "handedness"].filter((name) => name in outputs).map((name) => [name, [1, 1]])
  );
  const shapes = new Map(logit);
  if (decoding.kind === "coordinates") {
    shapes.set("uv_px", [1, joints, 2]).set("z_rel", [1, joints]);
  } else {
    const shape = outputs[decoding.heatmaps]?.shape ?? [];
    const [, rows, columns] = shape;
    shapes.set(decoding.heatmaps, [1, rows, columns, joints]);
    shapes.set(decoding.depth_maps, [1, rows, columns, joints]);
    const each = [...decoding.joints].sort((a, b) => a - b);
    expectEqual(where, "decoding.joints (sorted)", each, [...Array(joints).keys()]);
  }
  for (const [name, shape] of shapes) {
    expectEqual(where, `outputs.${name}.shape`, outputs[name]?.shape, shape);
  }
}

/**
 * @param {object} values
 * @param {typeof FIELDS} fields
 * @param {string} where
 */
function checkFields(values, fields, where) {
  for (const [path, expected] of fields) checkField(values, path, expected, where);
}

/**
 * @param {any} values
 * @param {string} path Names of nested fields with dots between.
 * @param {string | unknown[]} expected A type, or the values that are allowed.
 * @param {string} where
 */
function checkField(values, path, expected, where) {
  const value = path.split(".").reduce((object, name) => object?.[name], values);
  const fits = Array.isArray(expected) ? expected.includes(value) : typeOf(value) === expected;
  if (!fits) {
    const wanted = Array.isArray(expected) ? expected.join(" or ") : `of type ${expected}`;
    throw new InputError(
      `${where}: expected field ${path} to be ${wanted}. ` +
        `Received: ${path}=${JSON.stringify(value)}. Make the bundle with this version.`,
    );
  }
}

/**
 * @param {string} where
 * @param {string} path
 * @param {unknown} value
 * @param {unknown} expected
 */
function expectEqual(where, path, value, expected) {
  if (JSON.stringify(value) !== JSON.stringify(expected)) {
    throw new InputError(
      `${where}: expected field ${path} to be ${JSON.stringify(expected)}. ` +
        `Received: ${path}=${JSON.stringify(value)}. Make the bundle with this version.`,
    );
  }
}

/** @param {unknown} value */
function typeOf(value) {
  if (Array.isArray(value)) return "array";
  if (typeof value === "number" && !Number.isFinite(value)) return "no finite number";
  return value === null ? "null" : typeof value;
}
