/**
 * Builds the page into a folder that any web server can serve, without a network:
 *
 *     node build.js [--bundle ../android_assets] [--out dist]
 */
import { build } from "esbuild";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { int8Tensors } from "./int8_tensors.js";

const here = path.dirname(fileURLToPath(import.meta.url));
const { values: options } = parseArgs({
  options: {
    bundle: { type: "string", default: path.join(here, "..", "android_assets") },
    out: { type: "string", default: path.join(here, "dist") },
  },
});

if (!fs.existsSync(path.join(options.bundle, "bundle.json"))) {
  console.error(
    `build.js: expected a bundle folder with bundle.json. Received: --bundle=${options.bundle}. ` +
      "Make one with tf-handgroups bundle.",
  );
  process.exit(2);
}

// Made beside the old one and then put in its place, so that a failed build changes nothing.
const folder = `${path.resolve(options.out)}.new`;
fs.rmSync(folder, { recursive: true, force: true });
fs.mkdirSync(folder, { recursive: true });
await build({
  // The library is a file of its own, so that other pages can import it.
  entryPoints: {
    handgroups: path.join(here, "src", "index.js"),
    main: path.join(here, "page", "main.js"),
  },
  plugins: [int8Tensors],
  bundle: true,
  splitting: true,
  format: "esm",
  target: "es2022",
  minify: true,
  legalComments: "inline",
  outdir: folder,
  chunkNames: "shared-[hash]",
  logLevel: "warning",
});
for (const name of ["index.html", "style.css", "icon.svg", "sample.jpg"]) {
  fs.copyFileSync(path.join(here, "page", name), path.join(folder, name));
}

// Of LiteRT's kernels the two that run without special headers of the server: for new
// browsers, and for those without relaxed SIMD.
const core = path.dirname(createRequire(import.meta.url).resolve("@litertjs/core"));
fs.mkdirSync(path.join(folder, "wasm"));
for (const kind of ["", "_compat"]) {
  for (const suffix of ["js", "wasm"]) {
    const name = `litert_wasm${kind}_internal.${suffix}`;
    fs.copyFileSync(path.join(core, "..", "wasm", name), path.join(folder, "wasm", name));
  }
}

// The page needs the models, their contracts and the hashes; not the rest of an Android project.
const description = JSON.parse(fs.readFileSync(path.join(options.bundle, "bundle.json"), "utf8"));
const variants = Object.values(description.variants);
const names = ["bundle.json", "SHA256SUMS", "LICENSE"];
fs.mkdirSync(path.join(folder, "bundle"));
for (const name of [...names, ...variants.flatMap(({ file, contract }) => [file, contract])]) {
  fs.copyFileSync(path.join(options.bundle, name), path.join(folder, "bundle", name));
}

fs.rmSync(options.out, { recursive: true, force: true });
fs.renameSync(folder, options.out);
console.log(`${options.out}: built with the variants ${Object.keys(description.variants)}`);
