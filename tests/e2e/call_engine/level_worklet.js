/** The level of every 240 samples (5 ms at 48 kHz), in batches. */

registerProcessor("level", class extends AudioWorkletProcessor {
  sum = 0;
  count = 0;
  /** @type {{at_ms: number, rms: number}[]} */
  batch = [];

  /** @param {Float32Array[][]} inputs */
  process(inputs) {
    const samples = inputs[0]?.[0] ?? new Float32Array(128);
    for (let index = 0; index < samples.length; index += 1) {
      this.sum += samples[index] ** 2;
      this.count += 1;
      if (this.count < 240) continue;
      this.batch.push({ at_ms: (1000 * (currentFrame + index)) / sampleRate, rms: Math.sqrt(this.sum / this.count) });
      this.sum = 0;
      this.count = 0;
    }
    if (this.batch.length >= 100) this.port.postMessage(this.batch.splice(0));
    return true;
  }
});
