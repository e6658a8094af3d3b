/** Which joints belong to which learned group, and what else the contract tells. */
import { groupColour } from "./palette.js";

/** @typedef {import("../src/contract.js").Contract} Contract */

/**
 * Fills the list of groups.
 *
 * @param {HTMLElement} list
 * @param {Contract} contract
 */
export function showGroups(list, contract) {
  const groups = [...new Set(contract.grouping)].sort((a, b) => a - b);
  list.replaceChildren(
    ...groups.map((group) => {
      const names = contract.joints.names.filter((_, joint) => contract.grouping[joint] === group);
      const item = document.createElement("li");
      const dot = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      dot.setAttribute("viewBox", "0 0 2 2");
      dot.setAttribute("aria-hidden", "true");
      const circle = document.createElementNS("http://www.w3.org/2000/svg", "circle");
      for (const name of ["cx", "cy", "r"]) circle.setAttribute(name, "1");
      circle.setAttribute("fill", groupColour(group));
      dot.append(circle);
      const text = document.createElement("span");
      const joints = document.createElement("span");
      joints.textContent = byFinger(names);
      text.append(`Group ${group + 1} `, joints);
      item.append(dot, text);
      return item;
    }),
  );
}

/**
 * Fills the description of the model.
 *
 * @param {HTMLElement} list
 * @param {Contract} contract
 */
export function showAbout(list, contract) {
  const entries = {
    File: `${contract.model.file}, ${(contract.model.bytes / 1e6).toFixed(1)} MB`,
    "SHA-256, verified": contract.model.sha256,
    Quantization: contract.quantization.recipe,
    Input: `${contract.crop.size_px} x ${contract.crop.size_px} pixels, ${contract.input.dtype}`,
    "Training data": contract.training_data,
    Licence: contract.licence,
  };
  list.replaceChildren(
    ...Object.entries(entries).flatMap(([name, value]) => {
      const term = document.createElement("dt");
      const text = document.createElement("dd");
      term.textContent = name;
      text.textContent = value;
      return [term, text];
    }),
  );
}

/**
 * `thumb MCP, IP; index tip` of names like `thumb_mcp`.
 *
 * @param {string[]} names
 */
function byFinger(names) {
  /** @type {Map<string, string[]>} */
  const parts = new Map();
  for (const name of names) {
    const [finger, part] = name.split("_");
    const shown = part === "tip" ? part : part?.toUpperCase();
    parts.set(finger, [...(parts.get(finger) ?? []), ...(shown ? [shown] : [])]);
  }
  return [...parts].map(([finger, of]) => `${finger} ${of.join(", ")}`.trim()).join("; ");
}
