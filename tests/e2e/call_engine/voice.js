/** A microphone that speaks the words of a file, over and over, while it is told to: who speaks when is then known. */
export class Voice {
  #gain;

  /** @param {MediaStreamTrack} track @param {GainNode} gain */
  constructor(track, gain) {
    this.track = track;
    this.#gain = gain;
  }

  /** @param {string} url of a sound file */
  static async load(url) {
    const context = new AudioContext();
    const source = context.createBufferSource();
    source.buffer = await context.decodeAudioData(await (await fetch(url)).arrayBuffer());
    source.loop = true;
    const gain = context.createGain();
    gain.gain.value = 0;
    const destination = context.createMediaStreamDestination();
    source.connect(gain).connect(destination);
    source.start();
    return new Voice(destination.stream.getAudioTracks()[0], gain);
  }

  /** @param {boolean} on @returns {number} when, as Date.now() */
  speak(on) {
    this.#gain.gain.value = on ? 1 : 0;
    return Date.now();
  }
}
