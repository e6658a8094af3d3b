/** Repeats a bundle's golden steps with this page's modules; the tests compare the results. */

/**
 * @typedef {typeof import("../src/index.js")} Library
 * @typedef {import("../src/contract.js").Contract} Contract
 * @typedef {Record<string, any>} Values
 */

/** @type {Record<string, (library: Library, contract: Contract, inputs: Values) => Values>} */
const STEPS = {
  crop(library, contract, { image, box_px, mirror, size }) {
    const rule = { ...contract.crop, size_px: size };
    const [height, width] = image.shape;
    const matrix = library.cropMatrix(box_px, rule, mirror);
    const crop = library.cropImage({ width, height, data: image.values }, matrix, rule);
    return { matrix, crop };
  },
  decode(library, _, { heatmaps, depth_maps, decoding }) {
    const outputs = {
      [decoding.heatmaps]: heatmaps.values,
      [decoding.depth_maps]: depth_maps.values,
    };
    const declared = { [decoding.heatmaps]: { shape: [1, ...heatmaps.shape] } };
    return library.decode(outputs, decoding, declared);
  },
  hand(library, contract, inputs) {
    const outputs = {
      uv_px: inputs.uv_px.values,
      z_rel: inputs.z_rel.values,
      presence: [inputs.presence],
    };
    const sized = { ...contract, crop: { ...contract.crop, size_px: inputs.size } };
    const { uv, z, xyz, presence } = library.handFrom(outputs, inputs.box_px, inputs.side, sized);
    const k = inputs.intrinsics_px.values;
    const rows = /** @type {any} */ ([k.slice(0, 3), k.slice(3, 6), k.slice(6)]);
    const { joints, recovery } = contract;
    const camera = library.recoverAbsolute(uv, z, rows, inputs.bone_mm, joints, recovery);
    return { uv_px: uv, z_rel: z, presence, xyz_relative: xyz, xyz_camera_mm: camera };
  },
  side(library, contract, { handedness_as_it_is: asIs, handedness_flipped: flipped }) {
    return { side: library.sideOf(asIs, flipped, contract.handedness) };
  },
  box(library, _, { uv_px }) {
    return { box_px: library.landmarkBox(uv_px.values) };
  },
  filter(library, _, { time_s, uv_px, z_rel, settings }) {
    const uvFilter = new library.OneEuroFilter(settings);
    const zFilter = new library.OneEuroFilter(settings);
    const results = { uv_px: /** @type {number[]} */ ([]), z_rel: /** @type {number[]} */ ([]) };
    time_s.values.forEach((/** @type {number} */ time, /** @type {number} */ frame) => {
      const uv = frameOf(uv_px, frame);
      const [, , width, height] = library.landmarkBox(uv);
      results.uv_px.push(...uvFilter.filter(time, uv, Math.max(width, height)));
      results.z_rel.push(...zFilter.filter(time, frameOf(z_rel, frame), 1));
    });
    return results;
  },
};

/**
 * @param {Library} library
 * @param {Contract} contract Of the bundle's default variant.
 * @param {(name: string) => Promise<Uint8Array<ArrayBuffer>>} read Reads a file of the bundle.
 * @param {any} entry The entry `golden_steps` of bundle.json.
 * @returns {Promise<{name: string, results: Values}[]>} Plain JSON values.
 */
export async function runGoldenSteps(library, contract, read, entry) {
  const { cases } = JSON.parse(new TextDecoder().decode(await read(entry.cases)));
  const arrays = arraysOf(await read(entry.file), entry);
  /** @param {Values} values */
  const filled = (values) =>
    Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name, arrays.get(value?.array) ?? value]),
    );
  return cases.map((/** @type {any} */ { step, name, inputs }) => ({
    name,
    results: Object.fromEntries(
      Object.entries(STEPS[step](library, contract, filled(inputs))).map(([key, value]) => [
        key,
        typeof value === "object" ? Array.from(value) : value,
      ]),
    ),
  }));
}

/**
 * The arrays of a golden file by name.
 *
 * @param {Uint8Array<ArrayBuffer>} content
 * @param {{arrays: {name: string, dtype: string, shape: number[], offset: number}[]}} entry
 */
export function arraysOf(content, entry) {
  const types = /** @type {Record<string, any>} */ ({
    uint8: Uint8Array,
    float32: Float32Array,
    float64: Float64Array,
  });
  const start = content.byteOffset;
  return new Map(
    entry.arrays.map(({ name, dtype, shape, offset }) => {
      const type = types[dtype];
      const bytes = shape.reduce((product, side) => product * side, type.BYTES_PER_ELEMENT);
      const part = content.buffer.slice(start + offset, start + offset + bytes);
      return [name, { shape, values: new type(part) }];
    }),
  );
}

/**
 * @param {{shape: number[], values: Float64Array}} array
 * @param {number} frame Index along the first axis.
 */
function frameOf({ shape, values }, frame) {
  const size = values.length / shape[0];
  return values.slice(frame * size, (frame + 1) * size);
}
