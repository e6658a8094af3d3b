/** The camera of the device, frame by frame. */
import { InputError, messageOf } from "../src/errors.js";
import { drawingContext } from "./picture_file.js";

const WISHED = { width: { ideal: 640 }, height: { ideal: 480 } };

/** What to tell for what browsers throw. */
const REASONS = /** @type {Record<string, string>} */ ({
  NotAllowedError: "The camera was not allowed. Allow it in the browser's settings of this page",
  NotFoundError: "There is no camera on this device. Connect one",
  NotReadableError: "The camera does not answer; another program may be using it. Close that one",
});

/** An open camera. */
export class Webcam {
  /**
   * @param {MediaStream} stream
   * @param {HTMLVideoElement} video
   */
  constructor(stream, video) {
    this.stream = stream;
    this.video = video;
    this.canvas = document.createElement("canvas");
    this.running = true;
  }

  /**
   * @param {"user" | "environment"} facing Which camera, where there are two.
   * @returns {Promise<Webcam>}
   * @throws {InputError} If there is no camera or it may not be used.
   */
  static async open(facing) {
    if (!navigator.mediaDevices?.getUserMedia) {
      throw new InputError(
        "Browsers offer the camera only to pages from https or localhost. Open the page " +
          "through one of these, or open a picture instead.",
      );
    }
    try {
      const video = { ...WISHED, facingMode: { ideal: facing } };
      const stream = await navigator.mediaDevices.getUserMedia({ video });
      const element = document.createElement("video");
      Object.assign(element, { srcObject: stream, muted: true, playsInline: true });
      await element.play();
      return new Webcam(stream, element);
    } catch (error) {
      const name = error instanceof Error ? error.name : "";
      const reason = REASONS[name] ?? `The camera cannot be opened: ${messageOf(error)}. Try again`;
      throw new InputError(`${reason}, or open a picture instead.`);
    }
  }

  /** Whether the camera looks at the person who sees the page. */
  get looksAtUser() {
    return this.stream.getVideoTracks()[0]?.getSettings().facingMode !== "environment";
  }

  /**
   * Calls back for every new frame, one after the other, until `close`.
   *
   * @param {(frame: HTMLCanvasElement, timeSeconds: number) => Promise<void>} onFrame
   * @param {() => void} onEnd Called when the camera was taken away.
   */
  async each(onFrame, onEnd) {
    this.stream.getVideoTracks()[0]?.addEventListener("ended", () => this.running && onEnd());
    let last = -Infinity;
    while (this.running) {
      const timeSeconds = await nextFrame(this.video);
      if (!this.running) return;
      if (timeSeconds <= last || !this.video.videoWidth) continue;
      last = timeSeconds;
      const { videoWidth: width, videoHeight: height } = this.video;
      if (this.canvas.width !== width || this.canvas.height !== height) {
        Object.assign(this.canvas, { width, height });
      }
      drawingContext(this.canvas).drawImage(this.video, 0, 0);
      await onFrame(this.canvas, timeSeconds);
    }
  }

  close() {
    this.running = false;
    for (const track of this.stream.getTracks()) track.stop();
    this.video.srcObject = null;
  }
}

/**
 * Waits for the next frame of a video.
 *
 * @param {HTMLVideoElement} video
 * @returns {Promise<number>} When it came, in seconds.
 */
function nextFrame(video) {
  return new Promise((resolve) => {
    if ("requestVideoFrameCallback" in video) {
      video.requestVideoFrameCallback((now) => resolve(now / 1000));
    } else {
      requestAnimationFrame((now) => resolve(now / 1000));
    }
  });
}
