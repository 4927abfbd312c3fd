// The chime on admission. It must sound without a tap, so its AudioContext is started by the person's first tap and kept.

const NOTES_HZ = [659.25, 783.99, 1046.5];
const NOTE_S = 0.32;
const LOUDNESS = 0.28;

/** @type {AudioContext | null} */
let context = null;

/** Call in a click handler: browsers allow sound only after one. */
export function unlock_sound() {
  context ??= new AudioContext();
  if (context.state !== "running") void context.resume().catch(() => {});
}

/**
 * Sends the chime to the chosen speaker where the browser can (Chromium); elsewhere it takes the system's.
 * @param {string} device_id
 */
export async function choose_output(device_id) {
  context ??= new AudioContext();
  const audio = /** @type {AudioContext & {setSinkId?: (id: string) => Promise<void>}} */ (context);
  await audio.setSinkId?.(device_id).catch(() => {});
}

/** @returns {boolean} false when the browser keeps silent because nobody has touched the page yet */
export function play_chime() {
  if (context?.state !== "running") return false;
  const start_s = context.currentTime + 0.03;
  for (const [index, frequency] of NOTES_HZ.entries()) {
    const at_s = start_s + index * NOTE_S;
    const tone = new OscillatorNode(context, { type: "triangle", frequency });
    const volume = new GainNode(context, { gain: 0 });
    // A soft edge on both sides: a hard one clicks, and clicks sound like a fault.
    volume.gain.setValueAtTime(0, at_s);
    volume.gain.linearRampToValueAtTime(LOUDNESS, at_s + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.001, at_s + NOTE_S * 1.4);
    tone.connect(volume).connect(context.destination);
    tone.start(at_s);
    tone.stop(at_s + NOTE_S * 1.5);
  }
  return true;
}
