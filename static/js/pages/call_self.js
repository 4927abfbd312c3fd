// The person's own picture: small, in one of four corners, movable with a finger, a mouse, the arrow keys or a click.
// Among several people it has a place of its own (call_stage.js) and stays there.

import { corner_after_key, nearest_corner } from "../lib/corners.js";
import { put } from "./call_stage.js";
import { announce, find, find_button, find_html, show, write } from "./dom.js";
import { t } from "./texts.js";

/** @typedef {import("../lib/corners.js").Corner} Corner */

/** Below this a press is a click, not a drag. */
const DRAG_FROM_PX = 6;
/** @type {Corner[]} */
const ROUND = ["bottom-end", "bottom-start", "top-start", "top-end"];

export class OwnPicture {
  /** @type {{x: number, y: number, moved: boolean}|null} */
  #drag = null;

  /** @param {HTMLElement} stage */
  constructor(stage) {
    this.stage = stage;
    this.element = find_html(stage, "[data-part=self]");
    this.video = find(stage, "[data-testid=local-video]", HTMLVideoElement);
    const handle = find_button(stage, "[data-action=move_self]");
    handle.addEventListener("keydown", (event) => this.#on_key(event));
    handle.addEventListener("click", () => this.#place(/** @type {Corner} */ (ROUND[(ROUND.indexOf(this.corner) + 1) % ROUND.length]), { say: true }));
    this.element.addEventListener("pointerdown", (event) => this.#on_down(event));
    this.element.addEventListener("pointermove", (event) => this.#on_move(event));
    this.element.addEventListener("pointerup", (event) => this.#on_up(event));
    this.element.addEventListener("pointercancel", () => this.#let_go());
  }

  /** @returns {Corner} */
  get corner() { return /** @type {Corner} */ (this.element.dataset.corner); }
  get #right_to_left() { return getComputedStyle(this.stage).direction === "rtl"; }

  /** Stands among several people like one of them; null: floats in its corner again. @param {import("../lib/tile_layout.js").Rectangle|null} rectangle */
  place(rectangle) {
    this.element.dataset.placed = String(rectangle !== null);
    if (rectangle) put(this.element, rectangle);
  }

  /**
   * @param {{stream: MediaStream|null, camera: boolean, has_camera: boolean, mic: boolean, has_microphone: boolean, hand: number}} own
   *   hand: place among the raised hands, 0 for none
   */
  render({ stream, camera, has_camera, mic, has_microphone, hand }) {
    if (this.video.srcObject !== stream) this.video.srcObject = stream;
    if (stream && this.video.paused) void this.video.play().catch(() => {});
    const track = stream?.getVideoTracks()[0];
    // As in a mirror, except for the camera on the back of a phone: that one shows the world.
    this.element.dataset.mirrored = String(track?.getSettings().facingMode !== "environment");
    const covered = !camera || !has_camera;
    this.element.dataset.covered = String(covered);
    show(this.stage, "self_cover", covered);
    write(this.stage, "self_cover", t(has_camera ? "call_your_camera_is_off" : "call_no_camera"));
    const silent = !mic || !has_microphone;
    show(this.stage, "self_muted", silent);
    write(this.stage, "self_muted", t(has_microphone ? "call_you_are_muted" : "call_no_microphone"));
    show(this.stage, "self_hand", hand > 0);
    if (hand > 0) {
      write(this.stage, "self_hand_place", String(hand));
      write(this.stage, "self_hand", t("call_hand_place", { place: hand }));
    }
  }

  close() {
    this.video.srcObject = null;
  }

  /** @param {Corner} corner @param {{say: boolean}} options */
  #place(corner, { say }) {
    this.element.dataset.corner = corner;
    if (say) announce(t("call_said_corner"));
  }

  /** @param {KeyboardEvent} event */
  #on_key(event) {
    const corner = corner_after_key(this.corner, event.key, this.#right_to_left);
    if (!event.key.startsWith("Arrow")) return;
    event.preventDefault();
    if (corner) this.#place(corner, { say: true });
  }

  /** @param {PointerEvent} event */
  #on_down(event) {
    if (this.element.dataset.placed === "true" || event.button !== 0 || (event.target instanceof Element && event.target.closest("button"))) return;
    this.#drag = { x: event.clientX, y: event.clientY, moved: false };
    this.element.setPointerCapture(event.pointerId);
  }

  /** @param {PointerEvent} event */
  #on_move(event) {
    if (!this.#drag) return;
    const dx = event.clientX - this.#drag.x;
    const dy = event.clientY - this.#drag.y;
    if (!this.#drag.moved && Math.hypot(dx, dy) < DRAG_FROM_PX) return;
    this.#drag.moved = true;
    this.element.dataset.dragged = "true";
    this.element.style.translate = `${dx}px ${dy}px`;
  }

  /** @param {PointerEvent} event */
  #on_up(event) {
    if (this.#drag?.moved) {
      const own = this.element.getBoundingClientRect();
      const stage = this.stage.getBoundingClientRect();
      const middle = { x: own.left + own.width / 2 - stage.left, y: own.top + own.height / 2 - stage.top };
      this.#place(nearest_corner(middle, stage, this.#right_to_left), { say: false });
    }
    if (this.element.hasPointerCapture(event.pointerId)) this.element.releasePointerCapture(event.pointerId);
    this.#let_go();
  }

  #let_go() {
    this.#drag = null;
    this.element.style.translate = "";
    delete this.element.dataset.dragged;
  }
}
