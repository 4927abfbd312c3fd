/** A card, red on the left and blue on the right, and a tone of 1000 Hz: what a test recognises again. */
export function make_card() {
  const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 180 });
  const brush = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  let tick = 0;
  setInterval(() => {
    brush.fillStyle = "#f00000";
    brush.fillRect(0, 0, 160, 180);
    brush.fillStyle = "#0000f0";
    brush.fillRect(160, 0, 160, 180);
    brush.fillStyle = "#ffffff";
    brush.fillRect(158, (tick += 3) % 180, 4, 4);
  }, 66);
  const audio = new AudioContext();
  const tone = new OscillatorNode(audio, { frequency: 1000 });
  const out = new MediaStreamAudioDestinationNode(audio);
  tone.connect(new GainNode(audio, { gain: 0.3 })).connect(out);
  tone.start();
  return new MediaStream([...canvas.captureStream(15).getTracks(), ...out.stream.getTracks()]);
}

/** How large the tiles of a crowd are, how far their colours go, and the share of them that changes with each frame: at 640x360
 * and 10 frames/s what Chromium makes of it costs 310 kbit/s of 350, and 100 of 100 at half the size, without losing frames. */
const TILE = 32;
const CONTRAST = 120;
const CHANGING = 0.1;

/** A picture in which so much changes that its layers cost what they may. @param {number} width @param {number} height @param {number} fps */
export function make_crowd(width, height, fps) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const brush = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const [columns, rows] = [Math.ceil(width / TILE), Math.ceil(height / TILE)];
  /** @param {number} column @param {number} row */
  const paint = (column, row) => {
    const [red, green, blue] = [0, 0, 0].map(() => 128 + (Math.random() - 0.5) * CONTRAST);
    brush.fillStyle = `rgb(${red} ${green} ${blue})`;
    brush.fillRect(column * TILE, row * TILE, TILE, TILE);
  };
  for (let column = 0; column < columns; column += 1) for (let row = 0; row < rows; row += 1) paint(column, row);
  setInterval(() => {
    for (let n = columns * rows * CHANGING; n > 0; n -= 1) paint(Math.floor(Math.random() * columns), Math.floor(Math.random() * rows));
  }, 1000 / fps);
  return canvas.captureStream(fps);
}

/** How long a flash and a beep last. */
const MARK_MS = 120;

/** A clock for eye and ear: at every full second of this machine's time the picture turns white and a tone of 1000 Hz sounds. */
export function make_clock() {
  const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 180 });
  const brush = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const audio = new AudioContext();
  const tone = new OscillatorNode(audio, { frequency: 1000 });
  const gate = new GainNode(audio, { gain: 0 });
  const out = new MediaStreamAudioDestinationNode(audio);
  tone.connect(gate).connect(out);
  tone.start();
  let planned_ms = 0;
  let tick = 0;
  setInterval(() => {
    const now_ms = Date.now();
    brush.fillStyle = now_ms % 1000 < MARK_MS ? "#ffffff" : "#000000";
    brush.fillRect(0, 0, 320, 180);
    brush.fillStyle = "#808080";
    brush.fillRect(300, (tick += 3) % 180, 4, 4);
    const next_ms = (Math.floor(now_ms / 1000) + 1) * 1000;
    if (next_ms === planned_ms) return;
    planned_ms = next_ms;
    const at_s = audio.currentTime + (next_ms - now_ms) / 1000;
    gate.gain.setValueAtTime(0.5, at_s);
    gate.gain.setValueAtTime(0, at_s + MARK_MS / 1000);
  }, 20);
  return new MediaStream([...canvas.captureStream(30).getTracks(), ...out.stream.getTracks()]);
}

/** What a cheating person would keep: every secret that a key is derived from. @returns {string[]} grows; in hex */
export function keep_secrets() {
  /** @type {string[]} */
  const secrets = [];
  const import_key = crypto.subtle.importKey.bind(crypto.subtle);
  crypto.subtle.importKey = /** @type {any} */ ((/** @type {any[]} */ ...given) => {
    const [format, bytes, algorithm] = given;
    if (format === "raw" && algorithm === "HKDF") secrets.push([...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join(""));
    return /** @type {any} */ (import_key)(...given);
  });
  return secrets;
}
