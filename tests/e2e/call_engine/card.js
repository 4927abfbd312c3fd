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
