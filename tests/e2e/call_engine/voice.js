/** A microphone that speaks the words of a file while it is told to, from the first one on: who speaks when is then known. */
export class Voice {
  #context;
  #words;
  #destination;
  /** @type {AudioBufferSourceNode|null} */
  #speaking = null;

  /** @param {AudioContext} context @param {AudioBuffer} words */
  constructor(context, words) {
    this.#context = context;
    this.#words = words;
    this.#destination = context.createMediaStreamDestination();
    this.track = this.#destination.stream.getAudioTracks()[0];
  }

  /** @param {string} url of a sound file */
  static async load(url) {
    const context = new AudioContext();
    return new Voice(context, await context.decodeAudioData(await (await fetch(url)).arrayBuffer()));
  }

  /** @param {boolean} on @returns {number} when, as Date.now() */
  speak(on) {
    this.#speaking?.stop();
    this.#speaking = null;
    if (on) {
      this.#speaking = this.#context.createBufferSource();
      this.#speaking.buffer = this.#words;
      this.#speaking.loop = true;
      this.#speaking.connect(this.#destination);
      this.#speaking.start();
    }
    return Date.now();
  }
}
