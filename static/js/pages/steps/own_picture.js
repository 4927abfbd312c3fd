// The person's own picture in a step, or a sentence in its place.

import { find, show, write } from "../dom.js";
import { t } from "../texts.js";

/** @typedef {import("./own_media.js").OwnMedia} OwnMedia */

/** @param {HTMLElement} section @param {OwnMedia} media */
export function render_own_picture(section, media) {
  const video = find(section, "[data-own-picture]", HTMLVideoElement);
  const visible = media.video_track !== null;
  if (visible && video.srcObject !== media.stream) video.srcObject = media.stream;
  if (visible && video.paused) void video.play().catch(() => {});
  video.hidden = !visible;
  show(section, "no_picture", !visible);
  write(section, "no_picture", t(`picture_${media.camera}`));
}

/** Lets go of the stream, so that a hidden step does not decode it. @param {HTMLElement} section */
export function drop_own_picture(section) {
  find(section, "[data-own-picture]", HTMLVideoElement).srcObject = null;
}
