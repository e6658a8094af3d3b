/** A verified `.tflite` file on LiteRT's WebAssembly kernels. */
import { Tensor, loadAndCompile, loadLiteRt } from "@litertjs/core";
import { dequantized, inputValues } from "./decode.js";
import { InputError, messageOf } from "./errors.js";

/** @typedef {import("./contract.js").Contract} Contract */
/** @typedef {import("@litertjs/core").CompiledModel} CompiledModel */

/** @type {Promise<unknown> | undefined} */
let runtime;

/**
 * Loads LiteRT once for all models.
 *
 * @param {string} wasmFolder Address of the folder `wasm` of `@litertjs/core`.
 */
async function loadRuntime(wasmFolder) {
  runtime ??= loadLiteRt(wasmFolder);
  try {
    await runtime;
  } catch (error) {
    runtime = undefined;
    throw new InputError(
      `${wasmFolder}: expected LiteRT's WebAssembly files, and a browser that runs them. ` +
        `Received: ${messageOf(error)}. Build the page again, or update the browser.`,
    );
  }
}

/** Runs one file; `close` frees its memory. */
export class Model {
  /**
   * @param {CompiledModel} compiled
   * @param {Contract} contract
   */
  constructor(compiled, contract) {
    this.compiled = compiled;
    this.contract = contract;
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} content The `.tflite` file, already verified.
   * @param {Contract} contract
   * @param {string} wasmFolder Address of the folder `wasm` of `@litertjs/core`.
   * @returns {Promise<Model>}
   * @throws {InputError} If LiteRT cannot be loaded or cannot run the file, or if the file has
   *   other inputs or outputs than its contract says.
   */
  static async open(content, contract, wasmFolder) {
    await loadRuntime(wasmFolder);
    /** @type {CompiledModel} */
    let compiled;
    try {
      compiled = await loadAndCompile(content, { accelerator: "wasm" });
    } catch (error) {
      throw new InputError(
        `${contract.model.file}: expected a model that LiteRT's browser runtime can run. ` +
          `Received: ${messageOf(error)}. Choose another variant.`,
      );
    }
    try {
      checkSignature(compiled, contract);
    } catch (error) {
      compiled.delete();
      throw error;
    }
    return new Model(compiled, contract);
  }

  /**
   * @param {Float32Array} crop `size x size x 3` in [0, 1].
   * @returns {Promise<Record<string, Float32Array>>} The dequantized outputs by name.
   */
  async run(crop) {
    const { input, outputs, model } = this.contract;
    const tensor = new Tensor(inputValues(crop, input.dtype), input.shape);
    try {
      const results = await this.compiled.run(model.signature, { [input.name]: tensor });
      /** @type {Record<string, Float32Array>} */
      const values = {};
      for (const [name, result] of Object.entries(results)) {
        values[name] = dequantized(result.toTypedArray(), outputs[name]?.quantization);
        result.delete();
      }
      return values;
    } finally {
      tensor.delete();
    }
  }

  /** Frees the memory of the model. */
  close() {
    this.compiled.delete();
  }
}

/**
 * @param {CompiledModel} compiled
 * @param {Contract} contract
 */
function checkSignature(compiled, contract) {
  const { file, signature } = contract.model;
  const runner = compiled.signatures[signature];
  const promised = {
    ...{ [contract.input.name]: describe(contract.input) },
    ...Object.fromEntries(
      Object.entries(contract.outputs).map(([name, tensor]) => [name, describe(tensor)]),
    ),
  };
  let received = `signatures=${Object.keys(compiled.signatures)}`;
  if (runner) {
    const details = [...runner.getInputDetails(), ...runner.getOutputDetails()];
    const found = Object.fromEntries(details.map((tensor) => [tensor.name, describe(tensor)]));
    const wrong = Object.keys({ ...promised, ...found }).find((n) => promised[n] !== found[n]);
    if (wrong === undefined) return;
    received = `${wrong}: ${found[wrong] ?? "none"} instead of ${promised[wrong] ?? "none"}`;
  }
  throw new InputError(
    `${file}: expected the signature ${signature} with inputs and outputs as its contract says. ` +
      `Received: ${received}. Convert the model again.`,
  );
}

/** @param {{dtype: string, shape: ArrayLike<number>}} tensor */
function describe({ dtype, shape }) {
  return `${dtype} ${Array.from(shape).join("x")}`;
}
