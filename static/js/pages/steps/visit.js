// The call of this page: its client is opened in the waiting room (signaling only, the server hands out nothing more),
// shown once the person is let in, and closed with the visit.

import { CallClient } from "../../call/call_client.js";
import { CallView } from "../call_view.js";
import { find_html } from "../dom.js";

/** @typedef {import("../join.js").Path} Path */

/** Why the server will not have this page any more, as the trouble screens name it. */
const CLOSED = new Map([[4401, "no_seat"], [4403, "removed"], [4404, "no_seat"], [4409, "replaced"]]);
const VISIT_ENDED = 4410;
const GOODBYE_MS = 2000;
const TROUBLES = /** @type {const} */ (["blocked", "busy", "missing"]);

export class VisitStep {
  /** @type {CallClient | null} */
  client = null;
  /** @type {CallView | null} */
  #view = null;
  #sent = "";

  /** @param {HTMLElement} section @param {Path} path */
  constructor(section, path) {
    this.section = section;
    this.path = path;
    path.media.addEventListener("change", () => {
      this.#offer_tracks();
      this.#view?.set_device_trouble(this.#device_trouble());
    });
  }

  /** Connects; safe to call again. */
  open() {
    const seat = this.path.state;
    if (this.client || !seat) return;
    const client = new CallClient({ ws_url: seat.ws_url, worker_url: seat.worker_url, page_id: crypto.randomUUID() });
    this.client = client;
    this.#sent = "nothing";
    /** @param {string} type @param {(detail: any) => void} handle */
    const on = (type, handle) => client.addEventListener(type, (event) => {
      if (this.client === client) handle(/** @type {CustomEvent} */ (event).detail);
    });
    on("state", (snapshot) => this.#follow(snapshot));
    on("signaling", ({ up }) => this.path.steps.waiting.connected(up));
    on("closed", ({ code }) => this.#closed(code));
    this.#offer_tracks();
    void this.path.media.open();
  }

  /** A camera that was opened later, or another one, is sent as soon as it is there. */
  #offer_tracks() {
    const { client, path } = this;
    const tracks = path.media.stream.getTracks().map((track) => track.id).sort().join(" ");
    if (!client || tracks === this.#sent) return;
    this.#sent = tracks;
    client.start(path.media.stream);
  }

  enter() {
    document.body.classList.add("call");
    void this.path.wake_lock.hold();
    const client = this.client;
    if (!client || this.#view) return;
    this.#view = new CallView({
      root: find_html(this.section, "#call"),
      client,
      stream: this.path.media.stream,
      keep_words: () => this.path.state?.keep_stills ?? null,
      on_leave: () => { void this.#say_goodbye(client); },
      on_retry_devices: () => this.path.media.open(),
    });
    this.#view.set_device_trouble(this.#device_trouble());
  }

  /** The other side is told that it was meant; when the server cannot be reached it finds out by itself. @param {CallClient} client */
  async #say_goodbye(client) {
    const patience = new Promise((done) => setTimeout(done, GOODBYE_MS));
    await Promise.race([client.request("leave").catch(() => {}), patience]);
    await this.path.visit_over({ ended: false });
  }

  /** What keeps camera or microphone from working; a camera that the person left off is no trouble. */
  #device_trouble() {
    const { camera, microphone } = this.path.media;
    return TROUBLES.find((kind) => kind === microphone || kind === camera) ?? null;
  }

  leave() {
    document.body.classList.remove("call");
  }

  /** @param {import("../../lib/protocol.js").Snapshot} snapshot */
  #follow({ me, room }) {
    const { path } = this;
    if (room.state === "ended") void path.visit_over({ ended: true });
    else if (me.device_state === "asking") path.ask_for_seat();
    else if (me.state === "admitted") path.admitted();
    else if (me.state === "removed") path.trouble("removed");
    else if (me.state === "left" && path.current === "visit") void path.visit_over({ ended: false });
  }

  /** @param {number} code */
  #closed(code) {
    const { path } = this;
    if (code === VISIT_ENDED) return void path.visit_over({ ended: true });
    const kind = CLOSED.get(code);
    if (kind) path.trouble(kind);
    else void path.start_again();
  }

  close() {
    const { client } = this;
    this.client = null;
    this.#view?.close();
    this.#view = null;
    if (!client) return;
    client.close();
    this.path.media.close();
  }
}
