/**
 * Plays received sound unheard: browsers count samples only of sound that an element plays, so a path that is not shown yet
 * could not be verified without.
 */

export class MutedSinks {
  /** @type {Map<MediaStreamTrack, HTMLAudioElement>} */
  #elements = new Map();

  /** @param {MediaStreamTrack} track */
  play(track) {
    if (track.kind !== "audio" || this.#elements.has(track)) return;
    const element = new Audio();
    element.muted = true;
    element.srcObject = new MediaStream([track]);
    this.#elements.set(track, element);
    void element.play().catch(() => {});
  }

  stop() {
    for (const element of this.#elements.values()) element.srcObject = null;
    this.#elements.clear();
  }
}
