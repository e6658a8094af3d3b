/** A bundle folder: which variants it has, and their files, each checked against its hash. */
import { parseContract } from "./contract.js";
import { InputError, messageOf } from "./errors.js";
import { sha256Of } from "./sha256.js";

/** @typedef {import("./contract.js").Contract} Contract */
/** @typedef {{file: string, contract: string}} Variant */
/** @typedef {(address: string) => Promise<Uint8Array<ArrayBuffer>>} Reader */

export const BUNDLE_SCHEMA = "tf_handgroups.bundle/1";
const BUNDLE_FILE = "bundle.json";
const CHECKSUM_FILE = "SHA256SUMS";
const ADVICE = "Copy the whole bundle again.";

/** A folder that `tf-handgroups bundle` wrote. */
export class Bundle {
  /**
   * @param {string} folder
   * @param {any} description Content of bundle.json.
   * @param {Map<string, string>} sums File name -> SHA-256.
   * @param {Reader} read
   */
  constructor(folder, description, sums, read) {
    this.folder = folder;
    this.description = description;
    this.sums = sums;
    this.read = read;
  }

  /**
   * Reads what the folder holds, but no model yet.
   *
   * @param {string} folder Address of the folder.
   * @param {Reader} read Fetches a file.
   * @returns {Promise<Bundle>}
   * @throws {InputError} If the folder is no bundle, or its description was changed.
   */
  static async open(folder, read = fetchBytes) {
    const sums = new Map();
    for (const line of textOf(await read(`${folder}/${CHECKSUM_FILE}`)).split("\n")) {
      const match = /^([0-9a-f]{64})  (.+)$/.exec(line);
      if (match) sums.set(match[2], match[1]);
    }
    const content = await read(`${folder}/${BUNDLE_FILE}`);
    await checkHash(content, `${folder}/${BUNDLE_FILE}`, [sums.get(BUNDLE_FILE)]);
    const description = parseJson(content, `${folder}/${BUNDLE_FILE}`);
    const { schema, variants, files } = description;
    if (schema !== BUNDLE_SCHEMA || !variants?.[description.default] || !files) {
      throw new InputError(
        `${folder}/${BUNDLE_FILE}: expected a description of schema ${BUNDLE_SCHEMA} with a ` +
          `default among its variants. Received: schema=${JSON.stringify(schema)}, ` +
          `default=${JSON.stringify(description.default)}. Make the bundle with this version.`,
      );
    }
    return new Bundle(folder, description, sums, read);
  }

  /** Names of the variants, the default first. */
  get variants() {
    const names = Object.keys(this.description.variants);
    return [this.description.default, ...names.filter((n) => n !== this.description.default)];
  }

  /**
   * Reads a file of the folder and compares it with the hashes that the bundle has of it.
   *
   * @param {string} name
   * @param {string[]} promised More hashes that it must have.
   */
  async readFile(name, promised = []) {
    const address = `${this.folder}/${name}`;
    const content = await this.read(address);
    const hashes = [this.sums.get(name), this.description.files[name], ...promised];
    await checkHash(content, address, hashes);
    return content;
  }

  /**
   * Reads a variant: its contract, and the model that the contract describes.
   *
   * @param {string} name
   * @returns {Promise<{contract: Contract, model: Uint8Array<ArrayBuffer>}>}
   * @throws {InputError} If a file is missing, changed or nothing that this page can run.
   */
  async readVariant(name) {
    const variant = /** @type {Variant | undefined} */ (this.description.variants[name]);
    if (!variant) {
      throw new InputError(
        `${this.folder}: expected a variant among ${this.variants.join(", ")}. ` +
          `Received: variant=${JSON.stringify(name)}.`,
      );
    }
    const where = `${this.folder}/${variant.contract}`;
    const content = await this.readFile(variant.contract);
    const contract = parseContract(parseJson(content, where), where);
    if (contract.model.file !== variant.file || contract.quantization.recipe !== name) {
      throw new InputError(
        `${where}: expected the contract of ${variant.file}, recipe ${name}. Received: ` +
          `model.file=${contract.model.file}, recipe=${contract.quantization.recipe}. ${ADVICE}`,
      );
    }
    const model = await this.readFile(variant.file, [contract.model.sha256]);
    return { contract, model };
  }
}

/** @type {Reader} */
export async function fetchBytes(address) {
  let status = "no connection";
  try {
    // A cached file of an older bundle would not fit to the new hashes.
    const answer = await fetch(address, { cache: "no-cache" });
    if (answer.ok) return new Uint8Array(await answer.arrayBuffer());
    status = `HTTP status ${answer.status}`;
  } catch (error) {
    status = messageOf(error);
  }
  throw new InputError(`${address}: expected a file of the bundle. Received: ${status}. ${ADVICE}`);
}

/**
 * @param {Uint8Array<ArrayBuffer>} content
 * @param {string} address
 * @param {(string | undefined)[]} promised
 */
async function checkHash(content, address, promised) {
  const received = await sha256Of(content);
  const wrong = promised.findIndex((hash) => hash !== received);
  if (wrong >= 0) {
    throw new InputError(
      `${address}: expected SHA-256 ${promised[wrong] ?? "in the list of the bundle"}. ` +
        `Received: sha256=${received}. The file was changed, is damaged or belongs to ` +
        `another bundle, and is not used. ${ADVICE}`,
    );
  }
}

/**
 * @param {Uint8Array<ArrayBuffer>} content
 * @param {string} where
 */
function parseJson(content, where) {
  try {
    return JSON.parse(textOf(content));
  } catch (error) {
    throw new InputError(
      `${where}: expected a JSON file. Received: ${messageOf(error)}. ${ADVICE}`,
    );
  }
}

/** @param {Uint8Array<ArrayBuffer>} content */
function textOf(content) {
  return new TextDecoder().decode(content);
}
