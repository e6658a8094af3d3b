import { InputError } from "./errors.js";

/**
 * SHA-256 as hexadecimal digits.
 *
 * @param {Uint8Array<ArrayBuffer>} content
 * @returns {Promise<string>}
 * @throws {InputError} If the page was opened in a way that hides the browser's own hashes.
 */
export async function sha256Of(content) {
  if (!globalThis.crypto?.subtle) {
    throw new InputError(
      "sha256: expected a page from https or localhost, where browsers offer hashes. " +
        `Received: address=${globalThis.location?.origin}. Open the page through one of these.`,
    );
  }
  const digest = await crypto.subtle.digest("SHA-256", content);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
