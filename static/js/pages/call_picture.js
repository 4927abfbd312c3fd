// The picture of one person or of one screen. When it comes over another connection, a second element plays it underneath
// until it runs steadily, and only then takes the place of the first: the picture never goes black.

import { SteadyPicture } from "../lib/steady_picture.js";

const LOOK_EVERY_MS = 100;

/** @typedef {{video: HTMLVideoElement, track: MediaStreamTrack, steady: SteadyPicture, timer: number}} Coming */

/** Fires "frame" for every frame that is seen, and "shown" (detail: the track) when a track has got its place. */
export class Picture extends EventTarget {
  /** @type {MediaStreamTrack|null} */
  #track = null;
  /** @type {Coming|null} */
  #coming = null;
  #had_frame = false;

  /** @param {HTMLVideoElement} video the element that is seen now; another one may follow it */
  constructor(video) {
    super();
    this.video = video;
    video.muted = true;
    this.#watch(video);
  }

  /** False in browsers that cannot tell when a frame is drawn. */
  static get counts_frames() {
    return "requestVideoFrameCallback" in HTMLVideoElement.prototype;
  }

  get has_track() {
    return this.#track !== null || this.#coming !== null;
  }

  /** @param {MediaStreamTrack|null} track */
  set_track(track) {
    if (track !== null && track === this.#coming?.track) return;
    this.#forget_coming();
    if (track === this.#track) return;
    const runs = this.#track?.readyState === "live" && this.#had_frame;
    if (track && runs && Picture.counts_frames && document.visibilityState === "visible") this.#prepare(track);
    else this.#bind(track);
  }

  close() {
    this.#forget_coming();
    this.video.srcObject = null;
  }

  /** @param {MediaStreamTrack|null} track */
  #bind(track) {
    this.#track = track;
    if (!track) this.#had_frame = false;
    this.video.srcObject = track && new MediaStream([track]);
    if (!track) return;
    void this.video.play().catch(() => {});
    this.#tell_shown(track);
  }

  /** @param {MediaStreamTrack} track */
  #prepare(track) {
    const video = /** @type {HTMLVideoElement} */ (this.video.cloneNode(false));
    video.classList.add("tile__video--coming");
    video.removeAttribute("data-testid");
    video.setAttribute("aria-hidden", "true");
    video.muted = true;
    video.srcObject = new MediaStream([track]);
    const coming = { video, track, steady: new SteadyPicture(performance.now()), timer: window.setInterval(() => this.#look(), LOOK_EVERY_MS) };
    this.#coming = coming;
    this.#watch(video);
    this.video.before(video);
    void video.play().catch(() => {});
  }

  /** Looks whether the new picture may be seen; in the callback of its frame, so that the frame itself is drawn next. */
  #look() {
    const coming = this.#coming;
    if (!coming) return;
    const old_ended = this.#track?.readyState !== "live";
    if (document.visibilityState === "visible" && !coming.steady.ready(performance.now(), { old_ended })) return;
    const { video, track } = coming;
    const before = this.video;
    window.clearInterval(coming.timer);
    this.#coming = null;
    this.#track = track;
    this.video = video;
    for (const name of ["data-testid", "aria-label"]) {
      const value = before.getAttribute(name);
      if (value !== null) video.setAttribute(name, value);
    }
    video.removeAttribute("aria-hidden");
    video.classList.remove("tile__video--coming");
    before.remove();
    before.srcObject = null;
    this.#tell_shown(track);
  }

  #forget_coming() {
    if (!this.#coming) return;
    window.clearInterval(this.#coming.timer);
    this.#coming.video.remove();
    this.#coming.video.srcObject = null;
    this.#coming = null;
  }

  /** @param {HTMLVideoElement} video */
  #watch(video) {
    if (!Picture.counts_frames) {
      // Nothing can be said about standing still; a picture shows once it has a size.
      video.addEventListener("resize", () => this.#frame());
      return;
    }
    /** @param {number} now_ms @param {VideoFrameCallbackMetadata} metadata */
    const on_frame = (now_ms, { height, captureTime }) => {
      const frame = { height, captured_ms: captureTime ?? null };
      if (video === this.video) {
        this.#coming?.steady.see(now_ms, frame);
        this.#frame();
      } else if (video === this.#coming?.video) {
        this.#coming.steady.come(now_ms, frame);
        this.#look();
        if (video === this.video) this.#frame();
      } else return;
      video.requestVideoFrameCallback(on_frame);
    };
    video.requestVideoFrameCallback(on_frame);
  }

  #frame() {
    this.#had_frame = true;
    this.dispatchEvent(new Event("frame"));
  }

  /** @param {MediaStreamTrack} track */
  #tell_shown(track) {
    this.dispatchEvent(new CustomEvent("shown", { detail: track }));
  }
}
