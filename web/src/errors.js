/** Something that came from outside cannot be used; the message says what and why. */
export class InputError extends Error {
  /** @param {string} message Where, what was expected, what was received, and a way out. */
  constructor(message) {
    super(message);
    this.name = "InputError";
  }
}

/**
 * A thrown value as a sentence for people.
 *
 * @param {unknown} error
 */
export function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}
