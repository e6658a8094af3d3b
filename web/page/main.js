/** The page: what a person does, and what is shown for it. */
import {
  Bundle,
  Model,
  Predictor,
  Tracker,
  centreBox,
  fullFrameBox,
  isPresent,
  messageOf,
} from "../src/index.js";
import { showAbout, showGroups } from "./legend.js";
import { pixelsOf, readPicture } from "./picture_file.js";
import { Results, handToJson, saveHand } from "./results.js";
import { Stage } from "./stage.js";
import { View3D } from "./view3d.js";
import { Webcam } from "./webcam.js";

/**
 * @typedef {import("../src/crop.js").Box} Box
 * @typedef {import("../src/predictor.js").Hand} Hand
 * @typedef {"full" | "centre" | "box"} Where
 */

const RUNS_OF_A_PICTURE = 5; // for the median of its times
const FAINT = 0.35; // what the network saw where it does not believe in a hand

/** @param {string} id */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
const variants = /** @type {HTMLSelectElement} */ (element("variant"));
const file = /** @type {HTMLInputElement} */ (element("file"));
const cameraButton = /** @type {HTMLButtonElement} */ (element("camera"));
const saveButton = /** @type {HTMLButtonElement} */ (element("save"));
const results = new Results(element);
const space = new View3D(/** @type {HTMLCanvasElement} */ (element("space")));
const stage = new Stage(/** @type {HTMLCanvasElement} */ (element("picture")), (box) => {
  ownBox = box;
  whereInput("box").disabled = false;
  whereInput("box").checked = true;
  lookAnew();
});

/** @type {Bundle} */
let bundle;
/** @type {Model | null} */
let model = null;
/** @type {Predictor} */
let predictor;
/** @type {{canvas: HTMLCanvasElement, name: string} | null} */
let picture = null;
/** @type {Webcam | null} */
let webcam = null;
/** @type {Tracker | null} */
let tracker = null;
/** @type {Box | null} */
let ownBox = null;
/** @type {"user" | "environment"} */
let facing = "user";
/** @type {{hand: Hand, name: string} | null} */
let last = null;
// Work that was begun before the last change of picture, model or box is thrown away.
let generation = 0;

/** @param {Where} where */
function whereInput(where) {
  return /** @type {HTMLInputElement} */ (document.querySelector(`input[value="${where}"]`));
}

/** @param {string} text */
function say(text) {
  const status = element("status");
  if (status.textContent !== text) status.textContent = text;
}

/** @param {unknown} error */
function complain(error) {
  element("error").textContent = messageOf(error);
  element("error").hidden = false;
  console.error(error);
}

/**
 * Runs something that a person asked for; what goes wrong is told on the page.
 *
 * @param {() => Promise<void>} action
 */
async function attempt(action) {
  element("error").hidden = true;
  try {
    await action();
  } catch (error) {
    complain(error);
    say("");
  }
}

/**
 * What a promise gives, or `null` if something was changed meanwhile: then its model may be
 * closed, and nobody wants the result.
 *
 * @template T
 * @param {number} begun The generation in which the work began.
 * @param {Promise<T>} work
 * @returns {Promise<T | null>}
 */
async function unlessStale(begun, work) {
  try {
    const result = await work;
    return begun === generation ? result : null;
  } catch (error) {
    if (begun !== generation) return null;
    throw error;
  }
}

/** @param {boolean} ready */
function enableInputs(ready) {
  for (const id of ["variant", "file", "camera", "sample"]) {
    /** @type {HTMLButtonElement} */ (element(id)).disabled = !ready;
  }
}

/**
 * Where to look in a picture of this size, as the person chose.
 *
 * @param {HTMLCanvasElement} canvas
 * @returns {Box}
 */
function startBox({ width, height }) {
  const { margin } = predictor.contract.crop;
  if (whereInput("box").checked && ownBox) return ownBox;
  return whereInput("centre").checked
    ? centreBox(width, height, margin)
    : fullFrameBox(width, height, margin);
}

/** @param {string} name */
async function loadVariant(name) {
  const now = ++generation;
  enableInputs(false);
  say(`Loading and checking ${name}`);
  try {
    const variant = await bundle.readVariant(name);
    const opened = await Model.open(variant.model, variant.contract, "./wasm/");
    if (now !== generation) return opened.close();
    model?.close();
    model = opened;
    predictor = new Predictor(variant.contract, (crop) => opened.run(crop));
    tracker = null;
    showGroups(element("groups"), variant.contract);
    showAbout(element("about"), variant.contract);
    // The first run allocates memory; nobody should wait for it later.
    const { size_px: size } = variant.contract.crop;
    await opened.run(new Float32Array(size * size * 3));
  } finally {
    enableInputs(model !== null);
  }
  say("Ready");
  lookAnew();
}

/** After a change: the picture again, or the camera from the start. */
function lookAnew() {
  generation += 1;
  results.reset();
  tracker?.reset();
  stage.box = null;
  if (!webcam && picture) attempt(lookAtPicture);
}

async function lookAtPicture() {
  const now = generation;
  const { canvas, name } = /** @type {NonNullable<typeof picture>} */ (picture);
  const pixels = pixelsOf(canvas);
  const box = startBox(canvas);
  for (let run = 0; run < RUNS_OF_A_PICTURE; run++) {
    const hand = await unlessStale(now, predictor.predict(pixels, box));
    if (!hand) return;
    results.addTime(hand);
    if (run === 0) {
      const found = isPresent(hand, predictor.contract.tracking);
      showHand(hand, found, name);
      say(found ? "Hand found" : "There is hardly a hand where it was looked for. Drag a box around it.");
    }
    // Lets the browser draw between the runs.
    await new Promise((resolve) => setTimeout(resolve));
  }
}

/**
 * @param {Hand} hand
 * @param {boolean} found
 * @param {string} name
 */
function showHand(hand, found, name) {
  const { contract } = predictor;
  const opacity = found ? 1 : FAINT;
  last = { hand, name };
  stage.result = found || !webcam ? { hand, contract, opacity } : null;
  stage.box = whereInput("box").checked && !(webcam && found) ? ownBox : null;
  stage.draw();
  space.show(hand.xyz, contract, opacity);
  results.show(hand, found);
  saveButton.disabled = false;
  document.dispatchEvent(new CustomEvent("hand", { detail: handToJson(hand, name) }));
}

/**
 * @param {Blob} blob
 * @param {string} name
 */
async function openPicture(blob, name) {
  const now = ++generation;
  say(`Reading ${name}`);
  const canvas = await readPicture(blob, name);
  if (now !== generation) return;
  closeCamera();
  picture = { canvas, name };
  forgetBox();
  welcome(false);
  stage.show(canvas);
  results.reset();
  await lookAtPicture();
}

function forgetBox() {
  ownBox = null;
  if (whereInput("box").checked) whereInput("full").checked = true;
  whereInput("box").disabled = true;
}

/** @param {boolean} shown */
function welcome(shown) {
  element("welcome").hidden = !shown;
  element("hint").hidden = shown;
  element("drop").classList.toggle("empty", shown);
}

async function openCamera() {
  tracker = new Tracker(predictor);
  say("Waiting for the camera");
  webcam = await Webcam.open(facing);
  generation += 1;
  picture = null;
  forgetBox();
  welcome(false);
  results.reset();
  cameraButton.textContent = "Stop camera";
  const cameras = await navigator.mediaDevices.enumerateDevices();
  element("turn").hidden = cameras.filter(({ kind }) => kind === "videoinput").length < 2;
  const opened = webcam;
  let shown = false;
  const onEnd = () => {
    closeCamera();
    complain("The camera was taken away. Connect or allow it again.");
  };
  opened.each(async (frame, timeSeconds) => {
    if (!shown) stage.show(frame, opened.looksAtUser);
    shown = true;
    await followHand(frame, timeSeconds);
  }, onEnd).catch((error) => {
    closeCamera();
    complain(error);
  });
}

/**
 * @param {HTMLCanvasElement} frame
 * @param {number} timeSeconds
 */
async function followHand(frame, timeSeconds) {
  const now = generation;
  if (!model || variants.disabled) return;
  tracker ??= new Tracker(predictor);
  const next = tracker.next(pixelsOf(frame), timeSeconds, startBox(frame));
  const result = await unlessStale(now, next);
  if (!result) return tracker?.reset();
  const { hand, found } = result;
  if (hand) {
    results.addTime(hand);
    showHand(hand, found, "camera");
  }
  say(found ? "Following a hand" : "Looking for a hand: hold it into the middle");
}

function closeCamera() {
  webcam?.close();
  webcam = null;
  cameraButton.textContent = "Use camera";
  element("turn").hidden = true;
  say("");
}

function connect() {
  variants.addEventListener("change", () => attempt(() => loadVariant(variants.value)));
  file.addEventListener("change", () => {
    const chosen = file.files?.[0];
    if (chosen) attempt(() => openPicture(chosen, chosen.name));
    file.value = ""; // so that the same file can be chosen again
  });
  element("sample").addEventListener("click", () =>
    attempt(async () => openPicture(await (await fetch("sample.jpg")).blob(), "sample.jpg")),
  );
  cameraButton.addEventListener("click", () => (webcam ? closeCamera() : attempt(openCamera)));
  element("turn").addEventListener("click", () => {
    facing = facing === "user" ? "environment" : "user";
    closeCamera();
    attempt(openCamera);
  });
  element("where").addEventListener("change", () => lookAnew());
  saveButton.addEventListener("click", () => last && saveHand(last.hand, last.name, predictor.contract));
  const drop = element("drop");
  for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
    addEventListener(name, (event) => {
      event.preventDefault(); // else the browser leaves the page for the picture
      drop.classList.toggle("over", name === "dragenter" || name === "dragover");
    });
  }
  addEventListener("drop", ({ dataTransfer }) => {
    const dropped = dataTransfer?.files[0];
    if (dropped && model) attempt(() => openPicture(dropped, dropped.name));
  });
}

await attempt(async () => {
  connect();
  welcome(true);
  bundle = await Bundle.open("bundle");
  variants.replaceChildren(...bundle.variants.map((name) => new Option(name, name)));
  await loadVariant(bundle.variants[0]);
});
