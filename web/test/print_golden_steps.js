/** Without a browser: prints what the modules make of a bundle's golden steps, as JSON. */
import fs from "node:fs/promises";
import path from "node:path";
import * as library from "../src/index.js";
import { runGoldenSteps } from "./golden_steps.js";

const [folder] = process.argv.slice(2);
/** @param {string} address */
const read = async (address) => new Uint8Array(await fs.readFile(path.resolve(address)));
const bundle = await library.Bundle.open(folder, read);
const { contract } = await bundle.readVariant(bundle.variants[0]);
const entry = bundle.description.golden_steps;
const results = await runGoldenSteps(library, contract, (name) => bundle.readFile(name), entry);
process.stdout.write(JSON.stringify(results));
