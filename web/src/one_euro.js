/** The One-Euro filter (Casiez, Roussel and Vogel, CHI 2012), with the contract's numbers. */
import { InputError } from "./errors.js";

/** @typedef {{min_cutoff_hz: number, beta: number, derivative_cutoff_hz: number}} FilterRule */

/**
 * How much of a new value a low-pass filter takes.
 *
 * @param {number} cutoffHz
 * @param {number} seconds Since the last value.
 */
export function smoothingShare(cutoffHz, seconds) {
  return 1 / (1 + 1 / (2 * Math.PI * cutoffHz * seconds));
}

/** Smooths some values over time, each by itself. */
export class OneEuroFilter {
  /** @param {FilterRule} rule */
  constructor(rule) {
    this.rule = rule;
    /** @type {number | null} */
    this.timeSeconds = null;
    this.values = new Float64Array();
    this.speeds = new Float64Array();
  }

  /** Forgets the hand: the next values pass unchanged, at any time. */
  reset() {
    this.timeSeconds = null;
  }

  /**
   * @param {number} timeSeconds Later than the last.
   * @param {ArrayLike<number>} values
   * @param {number} scale Speeds are measured in these per second.
   * @returns {Float64Array} The smoothed values.
   */
  filter(timeSeconds, values, scale) {
    if (this.timeSeconds === null) {
      this.timeSeconds = timeSeconds;
      this.values = Float64Array.from(values);
      this.speeds = new Float64Array(values.length);
      return this.values.slice();
    }
    const seconds = timeSeconds - this.timeSeconds;
    if (!(seconds > 0 && scale > 0)) {
      throw new InputError(
        "OneEuroFilter: expected a later time than the last, and a positive scale. " +
          `Received: seconds=${seconds}, scale=${scale}.`,
      );
    }
    const speedShare = smoothingShare(this.rule.derivative_cutoff_hz, seconds);
    for (let i = 0; i < values.length; i++) {
      const speed = (values[i] - this.values[i]) / seconds / scale;
      this.speeds[i] += speedShare * (speed - this.speeds[i]);
      const cutoff = this.rule.min_cutoff_hz + this.rule.beta * Math.abs(this.speeds[i]);
      this.values[i] += smoothingShare(cutoff, seconds) * (values[i] - this.values[i]);
    }
    this.timeSeconds = timeSeconds;
    return this.values.slice();
  }
}
