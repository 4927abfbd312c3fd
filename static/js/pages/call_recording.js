// Being recorded: the question to everybody, the red mark on every screen, the practitioner's one button, and the way back.

import { announce, find_button, find_html, set_busy, show, write } from "./dom.js";
import { write_prose } from "./steps/prose.js";
import { has_text, t } from "./texts.js";

/**
 * @typedef {{purpose: string, language: string, version: number, title: string, summary: string, body: string, if_refused: string}} Ask
 * @typedef {{state: "requested"|"running"|"held", since: string, waiting_for: string[]}} Recording
 */

/** What the recorder, and a program that listens beside it, are asked for. */
const HAPPENS_NOW = ["recording", "transcript"];

export class RecordingView {
  /** @type {Ask|null} */
  #ask = null;
  /** @type {Recording|null} */
  #recording = null;
  /** What this person agreed to that happens now: all of it is taken back with one press. @type {string[]} */
  #granted = [];
  #said = "";
  #may_record = false;

  /** @param {HTMLElement} root @param {import("../call/call_client.js").CallClient} client @param {(id: string) => string} name_of */
  constructor(root, client, name_of) {
    this.root = root;
    this.client = client;
    this.name_of = name_of;
    this.card = find_html(root, "[data-part=recording_ask]");
    this.agree = find_button(root, "[data-action=recording_agree]");
    this.refuse = find_button(root, "[data-action=recording_refuse]");
    this.back = find_button(root, "[data-action=recording_withdraw]");
    /** The practitioner's only. @type {HTMLButtonElement|null} */
    this.button = root.querySelector("[data-control=record]");
    this.agree.onclick = () => { void this.#answer("granted", this.agree); };
    this.refuse.onclick = () => { void this.#answer("refused", this.refuse); };
    this.back.onclick = () => { void this.#answer("withdrawn", this.back); };
    if (this.button) this.button.onclick = () => { void this.#press(); };
  }

  /** @param {any} snapshot */
  draw({ room, me }) {
    const before = this.#recording;
    this.#recording = room.recording ?? null;
    this.#granted = HAPPENS_NOW.filter((purpose) => me.consents?.[purpose] === "granted");
    this.#may_record = Boolean(room.may_record);
    this.#draw_mark(me);
    this.#draw_ask(me.asks?.[0] ?? null);
    this.#draw_button(room);
    this.#tell(before, this.#recording);
  }

  /** @param {{id: string, consents?: Record<string, string>, asks?: Ask[]}} me */
  #draw_mark(me) {
    const recording = this.#recording;
    const state = recording?.state ?? "";
    show(this.root, "recording_mark", recording !== null && state !== "requested");
    find_html(this.root, "[data-part=recording_mark]").dataset.state = state;
    write(this.root, "recording_mark", state ? t(`call_recording_${state}`) : "");
    show(this.root, "recording_withdraw", recording !== null && me.consents?.recording === "granted");
    const waiting = (recording?.waiting_for ?? []).filter((id) => id !== me.id).map((id) => this.name_of(id)).filter(Boolean);
    // One thing at a time: who is asked answers first.
    show(this.root, "recording_note", waiting.length > 0 && !(me.asks?.length));
    if (waiting.length > 0) write(this.root, "recording_note", t(state === "held" ? "call_recording_held_for" : "call_recording_waits_for", { names: waiting.join(", ") }));
  }

  /** @param {Ask|null} ask */
  #draw_ask(ask) {
    const is_new = ask !== null && ask.purpose !== this.#ask?.purpose;
    this.#ask = ask;
    show(this.root, "recording_ask", ask !== null);
    if (!ask) return;
    this.card.lang = ask.language;
    write(this.root, "ask_title", ask.title);
    write(this.root, "ask_summary", ask.summary);
    if (!is_new) return;
    write_prose(find_html(this.card, "[data-prose=ask_body]"), `${ask.body}\n\n${ask.if_refused}`);
    show(this.root, "ask_error", false);
    announce(`${ask.title}. ${ask.summary}`, { now: true });
  }

  /** @param {any} room */
  #draw_button(room) {
    if (!this.button) return;
    const on = this.#recording !== null;
    this.button.hidden = !on && !(this.#may_record && room.state === "live");
    const state = this.#recording?.state ?? "";
    this.button.dataset.on = String(on);
    this.button.dataset.state = state;
    write(this.root, "record_label", t(!on ? "call_record_start" : state === "requested" ? "call_record_cancel" : "call_record_stop"));
  }

  /** @param {Recording|null} before @param {Recording|null} now */
  #tell(before, now) {
    const words = now ? `call_recording_said_${now.state}` : before ? "call_recording_said_over" : "";
    if (words && words !== this.#said && has_text(words)) announce(t(words), { now: true });
    this.#said = now || before ? words : "";
  }

  async #press() {
    const { button } = this;
    if (!button || button.hasAttribute("aria-busy")) return;
    set_busy(button, true);
    try {
      await this.client.request("recording", { action: this.#recording ? "stop" : "request" });
    } catch (error) {
      this.#show_error(error);
    } finally {
      set_busy(button, false);
    }
  }

  /** @param {"granted"|"refused"|"withdrawn"} decision @param {HTMLButtonElement} button */
  async #answer(decision, button) {
    if (button.hasAttribute("aria-busy")) return;
    const ask = this.#ask;
    if (decision === "granted" && !ask) return;
    set_busy(button, true);
    show(this.root, "ask_error", false);
    const choice = this.root.querySelector("[data-part=ask_capacity_choice]");
    const capacity = choice instanceof HTMLSelectElement ? choice.value : "self";
    const version = decision === "granted" && ask ? { version: ask.version } : {};
    const purposes = decision === "withdrawn" ? this.#granted : [ask?.purpose ?? "recording"];
    try {
      await Promise.all(purposes.map((purpose) => this.client.request("consent", { purpose, decision, capacity, ...version })));
    } catch (error) {
      this.#show_error(error);
    } finally {
      set_busy(button, false);
    }
  }

  /** @param {unknown} error */
  #show_error(error) {
    const words = /** @type {{message?: string}} */ (error).message ?? "";
    if (this.#ask) {
      write(this.root, "ask_error", words);
      show(this.root, "ask_error", true);
    } else {
      show(this.root, "recording_note", true);
      write(this.root, "recording_note", words);
      announce(words, { now: true });
    }
  }
}
