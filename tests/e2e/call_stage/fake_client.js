/** Stands where CallClient stands: the same events and members, driven by a test. Pictures are painted, not received. */

export const CAST = [
  { id: "anna", role: "practitioner", name: "Dr. Anna Weber", registration: "Fachärztin für Allgemeinmedizin" },
  { id: "maria", role: "patient", name: "Maria Schneider" },
  { id: "cem", role: "interpreter", name: "Cem Yıldız" },
  { id: "jonas", role: "relative", name: "Jonas Schneider-Hohenstein" },
  { id: "ruth", role: "chaperone", name: "Ruth Okafor" },
  { id: "paul", role: "colleague", name: "Prof. Dr. Paul-Friedrich von der Heide" },
  { id: "li", role: "relative", name: "Li Wei" },
  { id: "eva", role: "colleague", name: "Eva Brandt" },
];
const CLINIC = { name: "Practice on the Market", phone: "+49 30 1234567", emergency_number: "112" };
const HUES = [180, 20, 260, 100, 330, 220, 60, 290];

/** A head and shoulders that move a little, in a colour of their own. @param {number} index @param {[number, number]} size */
export function paint_person(index, [width, height] = [640, 360]) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  let step = 0;
  const paint = () => {
    const hue = HUES[index % HUES.length];
    pen.fillStyle = `hsl(${hue} 22% 74%)`;
    pen.fillRect(0, 0, width, height);
    const x = width / 2 + Math.sin(step / 9) * 6;
    pen.fillStyle = `hsl(${hue} 35% 34%)`;
    pen.beginPath();
    pen.ellipse(x, height * 1.02, width * 0.24, height * 0.38, 0, 0, 7);
    pen.fill();
    pen.fillStyle = "#e3bd9d";
    pen.beginPath();
    pen.ellipse(x, height * 0.44, height * 0.17, height * 0.23, 0, 0, 7);
    pen.fill();
    pen.fillStyle = "#1b1917";
    for (const side of [-1, 1]) pen.fillRect(x + side * height * 0.06 - 3, height * 0.4, 7, 7);
    pen.fillRect(x - height * 0.05, height * 0.53, height * 0.1, 4);
    step += 1;
  };
  paint();
  setInterval(paint, 150);
  return canvas.captureStream(8);
}

/** Words and lines, as on a shown screen. */
function paint_screen() {
  const canvas = Object.assign(document.createElement("canvas"), { width: 1280, height: 800 });
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const paint = () => {
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, 1280, 800);
    pen.fillStyle = "#1b1917";
    pen.font = "40px sans-serif";
    for (let line = 0; line < 12; line += 1) pen.fillText(`Laboratory value ${line + 1}: ${(line * 7.3 + 4).toFixed(1)} mmol/l`, 80, 90 + line * 58);
  };
  paint();
  setInterval(paint, 250);
  return canvas.captureStream(4);
}

export class FakeClient extends EventTarget {
  server_offset_ms = 0;
  /** @type {any[]} */
  messages = [];
  local_media = { mic: true, camera: true, screen: false, hand: false, hand_at_ms: 0, sends: ["audio", "video"] };
  /** @type {any} */
  state = null;
  path = { state: "none", route: "", local: "", remote: "", protocol: "", rtt_ms: null };
  /** @type {any} */
  has_relay = true;
  remedy = "";
  encryption = { state: "pending", mode: "required", words: null, alarm: null };
  /** What the page asked for, latest last. @type {any[][]} */
  views = [];
  /** @type {{type: string, payload: any}[]} */
  requests = [];
  /** @type {Map<string, MediaStream>} */
  #streams = new Map();

  /** @param {{me: string, others: string[], engine: "p2p"|"sfu"}} options */
  constructor({ me, others, engine }) {
    super();
    this.me = me;
    this.engine = engine;
    this.set_people(others);
  }

  /** Who is in the visit besides this person. @param {string[]} others @param {Record<string, any>} [room] */
  set_people(others, room = {}) {
    const person = (/** @type {string} */ id) => ({ ...CAST.find((one) => one.id === id), state: "admitted", present: true, page: `page-${id}`, kind: "guest" });
    const details = { location: "Example Lane 4, Berlin", callback_number: "+49 30 7654321", emergency_name: "Jonas", emergency_phone: "+49 30 1111111", confirmed_at: null };
    const staff = { language: "en", birth_date: null, waiting_since: null, device_check: {}, identity_outcome: "", relay_only: false, asking_devices: [] };
    this.state = {
      room: { code: "stage-room", state: "live", live_at: new Date(Date.now() - 754_000).toISOString(), clinic: CLINIC, refusal: null, ...room },
      me: { ...person(this.me), device_state: "active" },
      join: others.length === 0 || room.refusal ? null : { engine: this.engine, decision: { route: this.engine, reasons: [{ code: "three_or_more", text: "You are three or more people, so the clinic's media server passes everything on." }] }, peers: others.map((id) => ({ id })), codecs: [] },
      participants: others.map((id) => ({ ...person(id), ...(this.me === "anna" ? staff : {}), details: this.me === "anna" && id === "maria" ? details : null })),
    };
    this.tell("state", this.state);
    if (room.refusal) this.set_path({ state: "none", route: "" });
  }

  /** The path stands, everybody's picture comes. */
  connect() {
    this.set_path({ state: "connected", route: this.engine === "sfu" ? "server" : "direct", local: "srflx", remote: "host", rtt_ms: 34 });
    this.set_encryption({ state: this.engine === "sfu" ? "e2e_server" : "e2e_direct", words: [3, 77, 140, 255] });
    this.tell("quality", { word: "good", factor: null, rates: { pair: { rtt_ms: 34 } } });
    for (const { id } of this.state.participants) this.show(id);
  }

  /** @param {string} id */
  show(id) {
    this.tell("peer-media", { peer: id, mic: true, camera: true, screen: false, hand: false, sends: ["audio", "video"] });
    if (!this.#streams.has(id)) this.#streams.set(id, paint_person(CAST.findIndex((one) => one.id === id)));
    this.tell("remote-track", { peer: id, slot: "video", track: this.#streams.get(id)?.getVideoTracks()[0] ?? null });
  }

  /** @param {string} id @param {Record<string, any>} media */
  set_media(id, media) {
    this.tell("peer-media", { peer: id, mic: true, camera: true, screen: false, hand: false, hand_at_ms: media.hand ? Date.now() : 0, sends: ["audio", "video"], ...media });
    if (media.screen) this.tell("remote-track", { peer: id, slot: "screen", track: paint_screen().getVideoTracks()[0] });
  }

  /** @param {Record<string, any>} path */
  set_path(path) {
    this.path = { ...this.path, ...path };
    this.tell("path", this.path);
  }

  /** @param {Record<string, any>} encryption */
  set_encryption(encryption) {
    this.encryption = { ...this.encryption, ...encryption };
    this.tell("encryption", this.encryption);
  }

  /** @param {string} type @param {any} detail */
  tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** @param {any[]} wants */
  set_view(wants) { this.views.push(wants); }
  note_shown() {}
  send_sound_first() {}
  start() {}
  close() {}
  send_chat() {}
  async switch_device() {}
  async share_screen(/** @type {boolean} */ on) { this.#local({ screen: on }); }
  set_mic(/** @type {boolean} */ on) { this.#local({ mic: on }); }
  set_camera(/** @type {boolean} */ on) { this.#local({ camera: on }); }
  raise_hand(/** @type {boolean} */ up) { this.#local({ hand: up, hand_at_ms: up ? Date.now() : 0 }); }

  /** @param {string} type @param {any} payload */
  async request(type, payload) {
    this.requests.push({ type, payload });
    if (type === "invite" && payload.name === "Refused") throw Object.assign(new Error("All seats in this visit are taken."), { code: "room_full" });
    return { ok: true, url: "https://visits.example.org/join/#Zk3vQ0o2Yt7sLr9xWc5bNf8h", sent: Boolean(payload.contact) };
  }

  /** @param {Record<string, any>} changes */
  #local(changes) {
    this.local_media = { ...this.local_media, ...changes };
    this.tell("local-media", this.local_media);
  }
}
