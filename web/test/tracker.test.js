import assert from "node:assert/strict";
import { test } from "node:test";
import { parseContract } from "../src/contract.js";
import { OneEuroFilter } from "../src/one_euro.js";
import { Predictor } from "../src/predictor.js";
import { centreBox, fullFrameBox, landmarkBox, touchesPicture } from "../src/track_box.js";
import { Tracker } from "../src/tracker.js";
import { PICTURE, contract, contractValues, network } from "./case.js";

/** @type {[number, number, number, number]} */
const START = [100, 60, 100, 100];

test("both looks at the first frame, one at the next ones, around the landmarks", async () => {
  const { run, calls } = network({ asIs: -3, flipped: 3 });
  const tracker = new Tracker(new Predictor(contract(), run));
  const first = await tracker.next(PICTURE, 0, START);
  assert.deepEqual([first.found, first.hand?.side, calls.count], [true, "left", 2]);
  assert.deepEqual(first.hand.box, START);
  const second = await tracker.next(PICTURE, 1 / 30, START);
  assert.deepEqual([second.hand.side, calls.count], ["left", 3]);
  assert.deepEqual(second.hand.box, landmarkBox(first.hand.uv));
});

test("the next box comes from the unsmoothed landmarks, what is shown is smoothed", async () => {
  const { run } = network();
  const predictor = new Predictor(contract(), run);
  const tracker = new Tracker(predictor);
  await tracker.next(PICTURE, 0, START);
  const box = landmarkBox(tracker.last?.uv ?? assert.fail());
  const raw = await predictor.predict(PICTURE, box, "right");
  const second = await tracker.next(PICTURE, 1 / 30, START);
  assert.deepEqual(tracker.last?.uv, raw.uv);
  const { filter } = contract().tracking ?? assert.fail();
  const smooth = new OneEuroFilter(filter);
  smooth.filter(0, (await predictor.predict(PICTURE, START, "right")).uv, 1);
  const scale = Math.max(...landmarkBox(raw.uv).slice(2));
  assert.deepEqual(second.hand.uv, smooth.filter(1 / 30, raw.uv, scale));
  assert.notDeepEqual(second.hand.uv, raw.uv);
});

test("without a hand the track ends, and the next one begins at the start box", async () => {
  const seen = network();
  const predictor = new Predictor(contract(), seen.run);
  const tracker = new Tracker(predictor);
  await tracker.next(PICTURE, 0, START);
  predictor.run = network({ presence: -9 }).run;
  const { found, hand } = await tracker.next(PICTURE, 0.1, START);
  assert.equal(found, false);
  assert.ok((hand?.presence ?? 1) < 0.01);
  predictor.run = seen.run;
  const again = await tracker.next(PICTURE, 0.2, START);
  assert.deepEqual(again.hand.box, START);
  assert.equal(again.hand.looks, 2);
  // A new track is not smoothed with the old one.
  assert.deepEqual(again.hand.uv, (await predictor.predict(PICTURE, START, again.hand.side)).uv);
});

test("a hand that left the picture ends the track in the next frame", async () => {
  const tracker = new Tracker(new Predictor(contract(), network({ centre: [-900, 60] }).run));
  assert.equal((await tracker.next(PICTURE, 0, START)).found, true);
  assert.deepEqual(await tracker.next(PICTURE, 0.1, START), { found: false, hand: null });
  const again = await tracker.next(PICTURE, 0.2, START);
  assert.deepEqual(again.hand?.box, START);
});

test("a contract without tracking serves for pictures only", async () => {
  const values = contractValues();
  delete values.tracking;
  const predictor = new Predictor(parseContract(values, "hand"), network().run);
  assert.equal((await predictor.predict(PICTURE, START, "right")).uv.length, 42);
  assert.throws(() => new Tracker(predictor), { name: "InputError", message: /section tracking/ });
});

test("a network that cannot tell sides is asked once", async () => {
  const { run, calls } = network();
  const mute = async (/** @type {Float32Array} */ crop) => {
    const { uv_px, z_rel } = await run(crop);
    return { uv_px, z_rel };
  };
  const hand = await new Predictor(contract(), mute).predict(PICTURE, START);
  assert.deepEqual([hand.side, hand.presence, calls.count], [null, null, 1]);
});

test("boxes that cannot be looked into are refused", async () => {
  const predictor = new Predictor(contract(), network().run);
  for (const box of /** @type {any} */ ([[0, 0, 0, 9], [400, 0, 9, 9], [0, -20, 9, 9], [NaN, 0, 9, 9]])) {
    await assert.rejects(predictor.predict(PICTURE, box), { message: /expected a box that touches/ });
    assert.equal(touchesPicture(box, PICTURE.width, PICTURE.height), false);
  }
});

test("built-in boxes have the windows that they promise", () => {
  assert.deepEqual(fullFrameBox(300, 150, 1.5), [49.5, -25.5, 200, 200]);
  assert.deepEqual(centreBox(300, 150, 1.5), [99.5, 24.5, 100, 100]);
});

test("time must go on, and a size must be positive", () => {
  const filter = new OneEuroFilter({ min_cutoff_hz: 1, beta: 0, derivative_cutoff_hz: 1 });
  assert.deepEqual(filter.filter(1, [5], 1), Float64Array.of(5));
  assert.throws(() => filter.filter(1, [6], 1), { message: /expected a later time.*seconds=0/ });
  assert.throws(() => filter.filter(2, [6], 0), { message: /scale=0/ });
  // A rest of one cutoff: x += (x' - x) / (1 + 1 / (2 pi dt)).
  assert.ok(Math.abs(filter.filter(1.5, [6], 1)[0] - (5 + 1 / (1 + 1 / Math.PI))) < 1e-12);
});
