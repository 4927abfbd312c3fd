// Two soft notes when somebody arrives. Made here, so no sound file has to be fetched.

const NOTES_HZ = [660, 880];
const NOTE_S = 0.18;

/** @type {AudioContext | null} */
let context = null;

/** Browsers allow sound only after the person has touched the page, or the site before: call this at start and from such an event. */
export function allow_sound() {
  context ??= new AudioContext();
  void context.resume();
}

/** Plays the chime; returns whether it could. */
export function chime() {
  if (context?.state !== "running") return false;
  const at = context.currentTime;
  NOTES_HZ.forEach((frequency, index) => play(/** @type {AudioContext} */ (context), frequency, at + index * NOTE_S));
  return true;
}

/** @param {AudioContext} audio @param {number} frequency_hz @param {number} at_s */
function play(audio, frequency_hz, at_s) {
  const note = audio.createOscillator();
  const volume = audio.createGain();
  note.frequency.value = frequency_hz;
  // Ramps instead of steps: a step is heard as a click.
  volume.gain.setValueAtTime(0, at_s);
  volume.gain.linearRampToValueAtTime(0.2, at_s + 0.02);
  volume.gain.exponentialRampToValueAtTime(0.001, at_s + NOTE_S * 1.8);
  note.connect(volume).connect(audio.destination);
  note.start(at_s);
  note.stop(at_s + NOTE_S * 2);
}
