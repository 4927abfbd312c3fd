/**
 * One picture in the camera's full size, while the call goes on: ImageCapture where the browser has it, else a frame of a
 * second track of the same camera that is opened wide for a moment. Drawn anew, so nothing but the picture is in it: no place,
 * no time, no name of the device.
 */

import { MAX_STILL_BYTES } from "../lib/still_parts.js";

const QUALITIES = [0.92, 0.8, 0.65, 0.5];
const PHOTO_WITHIN_MS = 6000;
const FRAME_WITHIN_MS = 5000;

/** @typedef {{blob: Blob, width: number, height: number}} Still */

/**
 * @param {MediaStreamTrack} track the camera's, live
 * @returns {Promise<Still>} a JPEG; rejects when the camera gives none
 */
export async function take_still(track) {
  const camera = track.clone();
  // A camera that is muted in the call is not muted for a picture that its owner has just agreed to.
  camera.enabled = true;
  try {
    const photo = await photograph(camera).catch(() => null);
    const frame = photo && photo.width >= (track.getSettings().width ?? 0) ? photo : await grab(camera);
    return await redraw(frame);
  } finally {
    camera.stop();
  }
}

/** @param {MediaStreamTrack} camera @returns {Promise<ImageBitmap|null>} */
async function photograph(camera) {
  const Capture = /** @type {any} */ (globalThis).ImageCapture;
  if (!Capture) return null;
  const blob = await within(new Capture(camera).takePhoto(), PHOTO_WITHIN_MS);
  return createImageBitmap(/** @type {Blob} */ (blob));
}

/** @param {MediaStreamTrack} camera @returns {Promise<ImageBitmap>} */
async function grab(camera) {
  const { width, height } = /** @type {any} */ (camera.getCapabilities?.() ?? {});
  if (width?.max && height?.max) await camera.applyConstraints({ width: { ideal: width.max }, height: { ideal: height.max } }).catch(() => {});
  const video = document.createElement("video");
  video.muted = true;
  video.playsInline = true;
  video.srcObject = new MediaStream([camera]);
  try {
    await within(video.play(), FRAME_WITHIN_MS);
    // The first frames after a change of size are still the old ones, or dark.
    if ("requestVideoFrameCallback" in video) for (let frame = 0; frame < 3; frame += 1) await within(new Promise((done) => { video.requestVideoFrameCallback(done); }), FRAME_WITHIN_MS);
    return await createImageBitmap(video);
  } finally {
    video.srcObject = null;
  }
}

/** @param {ImageBitmap} frame @returns {Promise<Still>} */
async function redraw(frame) {
  const { width, height } = frame;
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  canvas.getContext("2d")?.drawImage(frame, 0, 0);
  frame.close();
  for (const quality of QUALITIES) {
    const blob = await new Promise((done) => { canvas.toBlob(done, "image/jpeg", quality); });
    if (blob instanceof Blob && blob.size <= MAX_STILL_BYTES) return { blob, width, height };
  }
  throw new Error("the picture does not get small enough");
}

/** @template T @param {Promise<T>} promise @param {number} limit_ms @returns {Promise<T>} */
function within(promise, limit_ms) {
  return Promise.race([promise, new Promise((_, reject) => { setTimeout(() => reject(new Error("too slow")), limit_ms); })]);
}
