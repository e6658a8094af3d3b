/** Without a browser: cuts the crops that the standard input asks for, prints them in base64. */
import fs from "node:fs";
import { cropImage, cropMatrix } from "../src/crop.js";

const cases = JSON.parse(fs.readFileSync(0, "utf8"));
const crops = cases.map((/** @type {any} */ { width, height, pixels, box, mirror, rule }) => {
  const picture = { width, height, data: Buffer.from(pixels, "base64") };
  const crop = cropImage(picture, cropMatrix(box, rule, mirror), rule);
  return Buffer.from(crop.buffer).toString("base64");
});
process.stdout.write(JSON.stringify(crops));
