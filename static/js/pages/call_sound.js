// The sound of one person. When it comes over another connection, the new one plays unheard first; then one is heard and the
// other is not, in the same moment.

/** What a receiver needs from its first packet on until it plays without gaps. */
const PLAYS_UNHEARD_MS = 200;
/** A browser that does not say that it plays. */
const AT_LAST_MS = 2000;
/** The audio device takes what was given to it before. */
const LINGER_MS = 500;

/** Fires "blocked" when the browser holds sound back until a click, and "shown" (detail: the track) when a track is heard. */
export class Sound extends EventTarget {
  /** @type {{element: HTMLAudioElement, track: MediaStreamTrack}|null} */
  #heard = null;
  /** @type {{element: HTMLAudioElement, track: MediaStreamTrack, timer: number}|null} */
  #coming = null;
  #blocked = false;
  #speaker_id = "";

  /** @param {HTMLElement} parent */
  constructor(parent) {
    super();
    this.parent = parent;
  }

  /** @param {MediaStreamTrack|null} track */
  set_track(track) {
    if (track !== null && track === this.#coming?.track) return;
    this.#forget_coming();
    if (track === (this.#heard?.track ?? null)) return;
    if (!track) this.#drop();
    else if (this.#heard?.track.readyState === "live") this.#prepare(track);
    else {
      this.#drop();
      this.#heard = { element: this.#element(track, this.#blocked), track };
      void this.play();
      this.#tell_shown(track);
    }
  }

  /** Plays with sound, or without it when the browser asks for a click first. */
  async play() {
    const element = this.#heard?.element;
    if (!element) return;
    try {
      await element.play();
    } catch (error) {
      if (!(error instanceof DOMException) || error.name !== "NotAllowedError" || element.muted) return;
      this.#blocked = true;
      element.muted = true;
      this.dispatchEvent(new Event("blocked"));
      await element.play().catch(() => {});
    }
  }

  /** Call in a click handler. */
  async allow() {
    this.#blocked = false;
    if (this.#heard) this.#heard.element.muted = false;
    await this.play();
  }

  /** @param {string} speaker_id */
  async set_speaker(speaker_id) {
    this.#speaker_id = speaker_id;
    await Promise.all([this.#heard, this.#coming].map((held) => held && this.#send_to_speaker(held.element)));
  }

  close() {
    this.#forget_coming();
    this.#drop();
  }

  /** @param {MediaStreamTrack} track */
  #prepare(track) {
    const element = this.#element(track, true);
    const coming = { element, track, timer: window.setTimeout(() => this.#swap(), AT_LAST_MS) };
    this.#coming = coming;
    element.addEventListener("playing", () => {
      if (this.#coming !== coming) return;
      window.clearTimeout(coming.timer);
      coming.timer = window.setTimeout(() => this.#swap(), PLAYS_UNHEARD_MS);
    }, { once: true });
    void element.play().catch(() => {});
  }

  #swap() {
    const coming = this.#coming;
    if (!coming) return;
    const before = this.#heard?.element;
    this.#coming = null;
    this.#heard = coming;
    coming.element.muted = this.#blocked;
    if (before) {
      before.muted = true;
      window.setTimeout(() => let_go(before), LINGER_MS);
    }
    this.#tell_shown(coming.track);
  }

  #drop() {
    if (this.#heard) let_go(this.#heard.element);
    this.#heard = null;
  }

  #forget_coming() {
    if (!this.#coming) return;
    window.clearTimeout(this.#coming.timer);
    let_go(this.#coming.element);
    this.#coming = null;
  }

  /** @param {MediaStreamTrack} track @param {boolean} muted */
  #element(track, muted) {
    const element = document.createElement("audio");
    element.autoplay = true;
    element.muted = muted;
    element.srcObject = new MediaStream([track]);
    if (this.#speaker_id) void this.#send_to_speaker(element);
    this.parent.append(element);
    return element;
  }

  /** @param {HTMLAudioElement & {setSinkId?: (id: string) => Promise<void>}} element */
  async #send_to_speaker(element) {
    await element.setSinkId?.(this.#speaker_id).catch(() => {});
  }

  /** @param {MediaStreamTrack} track */
  #tell_shown(track) {
    this.dispatchEvent(new CustomEvent("shown", { detail: track }));
  }
}

/** @param {HTMLAudioElement} element */
function let_go(element) {
  element.srcObject = null;
  element.remove();
}
