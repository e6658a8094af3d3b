/** What an own page imports: a bundle's files in, hands out. */
export { Bundle, fetchBytes } from "./bundle.js";
export { bonesOf, recoverAbsolute, recoverWeakPerspective } from "./camera.js";
export { parseContract } from "./contract.js";
export { cropImage, cropMatrix, invert, transformPoints } from "./crop.js";
export { decode, dequantized } from "./decode.js";
export { InputError, messageOf } from "./errors.js";
export { isMirrored, sideOf } from "./handedness.js";
export { Model } from "./model.js";
export { OneEuroFilter } from "./one_euro.js";
export { Predictor, handFrom } from "./predictor.js";
export { centreBox, fullFrameBox, landmarkBox, touchesPicture } from "./track_box.js";
export { Tracker, isPresent } from "./tracker.js";
