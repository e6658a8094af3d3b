import assert from "node:assert/strict";
import fs from "node:fs/promises";
import { test } from "node:test";
import { Bundle, fetchBytes } from "../src/bundle.js";
import { sha256Of } from "../src/sha256.js";
import { BUNDLE } from "./case.js";

/**
 * Reads the shipped bundle, some files changed, with sums that fit where `honest`.
 *
 * @param {Record<string, (text: string) => string>} changes
 */
function reader(changes = {}) {
  /** @param {string} address */
  return async (address) => {
    const name = address.split("/").at(-1) ?? "";
    const content = await fs.readFile(new URL(name, BUNDLE));
    if (!(name in changes)) return new Uint8Array(content);
    return new TextEncoder().encode(changes[name](content.toString("utf8")));
  };
}

/**
 * Changes a file and everything that lists its hash, as somebody would who knows how.
 *
 * @param {string} name
 * @param {(text: string) => string} change
 */
async function forged(name, change) {
  const changed = change(await fs.readFile(new URL(name, BUNDLE), "utf8"));
  const hash = await sha256Of(new TextEncoder().encode(changed));
  const description = JSON.parse(await fs.readFile(new URL("bundle.json", BUNDLE), "utf8"));
  if (name !== "bundle.json") description.files[name] = hash;
  const text = name === "bundle.json" ? changed : JSON.stringify(description);
  const own = await sha256Of(new TextEncoder().encode(text));
  return reader({
    [name]: () => changed,
    "bundle.json": () => text,
    SHA256SUMS: (sums) =>
      sums
        .replace(new RegExp(`^[0-9a-f]{64}  ${name}$`, "m"), `${hash}  ${name}`)
        .replace(/^[0-9a-f]{64}  bundle\.json$/m, `${own}  bundle.json`),
  });
}

test("the shipped bundle is read, its default first", async () => {
  const bundle = await Bundle.open("x", reader());
  assert.equal(bundle.variants[0], bundle.description.default);
  for (const name of bundle.variants) {
    const { contract, model } = await bundle.readVariant(name);
    assert.equal(contract.model.bytes, model.length);
  }
});

test("changed files are refused", async () => {
  const { variants, default: name } = (await Bundle.open("x", reader())).description;
  const { contract } = variants[name];
  const message = /expected SHA-256 [0-9a-f]{64}\. Received: sha256=[0-9a-f]{64}/;
  await assert.rejects(Bundle.open("x", reader({ "bundle.json": (t) => `${t} ` })), { message });
  const spoiled = await Bundle.open("x", reader({ [contract]: (t) => t.replace("1.5", "1.4") }));
  await assert.rejects(spoiled.readVariant(name), { name: "InputError", message });
  const unlisted = reader({ SHA256SUMS: () => "" });
  await assert.rejects(Bundle.open("x", unlisted), { message: /in the list of the bundle/ });
});

test("a contract of another model is refused, whatever the lists say", async () => {
  const { variants, default: name } = (await Bundle.open("x", reader())).description;
  const { contract } = variants[name];
  const other = (/** @type {string} */ t) => t.replace(/"sha256": "./, '"sha256": "x');
  let bundle = await Bundle.open("x", await forged(contract, other));
  await assert.rejects(bundle.readVariant(name), { message: /expected SHA-256 x/ });
  const renamed = (/** @type {string} */ t) => t.replace('"recipe": "int8_mixed"', '"recipe": "int8"');
  bundle = await Bundle.open("x", await forged(contract, renamed));
  await assert.rejects(bundle.readVariant(name), { message: /recipe int8_mixed\. Received: .* recipe=int8\./ });
  bundle = await Bundle.open("x", await forged(contract, () => "{"));
  await assert.rejects(bundle.readVariant(name), { message: /expected a JSON file/ });
});

test("descriptions that this page does not know are refused", async () => {
  const other = await forged("bundle.json", (t) => t.replace("bundle/1", "bundle/9"));
  await assert.rejects(Bundle.open("x", other), { message: /Received: schema="tf_handgroups\.bundle\/9"/ });
  const lost = await forged("bundle.json", (t) => t.replace(/"default": "\w+"/, '"default": "int4"'));
  await assert.rejects(Bundle.open("x", lost), { message: /default="int4"/ });
});

test("unknown variants and missing files are told", async () => {
  const bundle = await Bundle.open("x", reader());
  await assert.rejects(bundle.readVariant("int4"), { message: /variant among int8_mixed, .*"int4"/ });
  const { fetch } = globalThis;
  try {
    globalThis.fetch = async () => new Response("", { status: 404 });
    await assert.rejects(fetchBytes("x/bundle.json"), { message: /Received: HTTP status 404/ });
    globalThis.fetch = async () => Promise.reject(new TypeError("no network"));
    await assert.rejects(fetchBytes("x/bundle.json"), { message: /Received: no network/ });
  } finally {
    globalThis.fetch = fetch;
  }
});

test("a page without the browser's hashes is told where to go", async () => {
  const { crypto } = globalThis;
  Object.defineProperty(globalThis, "crypto", { value: {}, configurable: true });
  try {
    await assert.rejects(sha256Of(new Uint8Array(1)), { message: /page from https or localhost/ });
  } finally {
    Object.defineProperty(globalThis, "crypto", { value: crypto, configurable: true });
  }
  assert.match(await sha256Of(new Uint8Array()), /^e3b0c44298fc1c14/);
});
