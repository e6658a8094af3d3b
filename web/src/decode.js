/** From what the file returns to joints, by the contract's section `decoding`. */
import { InputError } from "./errors.js";

/** @typedef {{scale: number, zero_point: number}} Quantization */
/** @typedef {ArrayLike<number>} Numbers */

/**
 * The meaning of a tensor's values; floats mean themselves.
 *
 * @param {Numbers} values
 * @param {Quantization | undefined} quantization
 * @returns {Float32Array}
 */
export function dequantized(values, quantization) {
  if (!quantization) return Float32Array.from(values);
  const { scale, zero_point } = quantization;
  return Float32Array.from(values, (value) => (value - zero_point) * scale);
}

/**
 * The crop as the network's input: floats, or bytes where the file takes bytes.
 *
 * @param {Float32Array} crop In [0, 1].
 * @param {string} dtype Of the contract's section `input`.
 */
export function inputValues(crop, dtype) {
  // A clamped array rounds halves to the even neighbour, as NumPy does.
  if (dtype === "uint8") {
    const bytes = Uint8ClampedArray.from(crop, (value) => Math.fround(value * 255));
    return new Uint8Array(bytes.buffer);
  }
  return crop;
}

/**
 * Turns the dequantized outputs of a file into coordinates.
 *
 * @param {Record<string, Numbers>} outputs Output name -> values.
 * @param {import("./contract.js").Decoding} decoding
 * @param {Record<string, {shape: number[]}>} declared The contract's section `outputs`.
 * @returns {Record<string, Numbers>} `uv_px` (joints x 2, crop pixels), `z_rel` (joints), and
 *   the other outputs as they are.
 */
export function decode(outputs, decoding, declared) {
  if (decoding.kind === "coordinates") return { ...outputs };
  const { [decoding.heatmaps]: heatmaps, [decoding.depth_maps]: depthMaps, ...others } = outputs;
  const [, rows, columns, channels] = declared[decoding.heatmaps].shape;
  const cells = rows * columns;
  if (heatmaps?.length !== cells * channels || depthMaps?.length !== cells * channels) {
    throw new InputError(
      `decode: expected maps of ${rows} x ${columns} x ${channels} values. ` +
        `Received: lengths=${heatmaps?.length}, ${depthMaps?.length}. Convert the model again.`,
    );
  }
  const uv = new Float32Array(channels * 2);
  const z = new Float32Array(channels);
  for (let channel = 0; channel < channels; channel++) {
    let largest = -Infinity;
    for (let i = channel; i < heatmaps.length; i += channels) {
      largest = Math.max(largest, heatmaps[i]);
    }
    let [sum, u, v, depth] = [0, 0, 0, 0];
    for (let cell = 0, i = channel; cell < cells; cell++, i += channels) {
      const weight = Math.exp(heatmaps[i] - largest);
      sum += weight;
      u += weight * (cell % columns);
      v += weight * Math.floor(cell / columns);
      depth += weight * depthMaps[i];
    }
    const joint = decoding.joints[channel];
    uv[2 * joint] = (u / sum) * decoding.stride_px + decoding.offset_px;
    uv[2 * joint + 1] = (v / sum) * decoding.stride_px + decoding.offset_px;
    z[joint] = depth / sum;
  }
  return { ...others, uv_px: uv, z_rel: z };
}
