/** The median of the last durations: one slow picture does not move it. */
export class Latency {
  /** @param {number} count Of how many durations. */
  constructor(count) {
    this.count = count;
    /** @type {number[]} */
    this.durations = [];
  }

  /** Forgets all durations. */
  reset() {
    this.durations = [];
  }

  /** @param {number} milliseconds */
  add(milliseconds) {
    this.durations.push(milliseconds);
    if (this.durations.length > this.count) this.durations.shift();
  }

  /** In milliseconds, `null` before the first. */
  get median() {
    const sorted = [...this.durations].sort((a, b) => a - b);
    if (!sorted.length) return null;
    const middle = sorted.length >> 1;
    return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}
