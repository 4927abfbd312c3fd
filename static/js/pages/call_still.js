// A sharp picture in the call: the practitioner asks, the patient agrees and sees what was taken before it leaves.
// Who is asked never sends without two presses; who asks never keeps without the other's yes.

import { StillExchange } from "../call/still_exchange.js";
import { take_still } from "./still_camera.js";
import { announce, find, find_button, find_html, set_busy, show, write } from "./dom.js";
import { write_prose } from "./steps/prose.js";
import { StillDialog } from "./still_dialog.js";
import { t } from "./texts.js";

/**
 * @typedef {{version: number, language: string, title: string, summary: string, body: string, if_refused: string}} ConsentWords
 * @typedef {{id: string, role: string, name: string, state: string, present: boolean, consents?: Record<string, string>}} Person
 */

const NOTE_MS = 8000;

export class StillView {
  /** @type {Person[]} */
  #people = [];
  /** @type {Record<string, string>} */
  #own_consents = {};
  /** @type {import("./still_camera.js").Still|null} */
  #taken = null;
  #asking = "";
  #asker = "";
  #connected = false;
  /** @type {number|undefined} */
  #note_timer;

  /**
   * @param {HTMLElement} root
   * @param {import("../call/call_client.js").CallClient} client
   * @param {() => ConsentWords|null} keep_words the patient's: what is said about keeping pictures; null: nothing may be kept
   */
  constructor(root, client, keep_words) {
    this.root = root;
    this.client = client;
    this.keep_words = keep_words;
    this.exchange = new StillExchange(client, (id) => this.#person(id)?.role === "practitioner");
    this.preview = find(root, "img[data-part=still_preview]", HTMLImageElement);
    this.keeps = find(root, "[data-setting=still_keep]", HTMLInputElement);
    this.capacity = find(root, "select[data-part=still_capacity]", HTMLSelectElement);
    this.take = find_button(root, "[data-action=still_take]");
    this.send = find_button(root, "[data-action=still_send]");
    /** The practitioner's only. @type {HTMLButtonElement|null} */
    this.button = root.querySelector("[data-control=still]");
    this.dialog = this.button ? new StillDialog(root) : null;
    this.#wire();
    this.#listen();
  }

  /** @param {any} snapshot */
  draw({ me, participants }) {
    this.#people = participants;
    this.#own_consents = me.consents ?? {};
    const patient = this.#patient;
    if (this.#asking && this.#asking !== patient?.id) this.#stop_asking();
    if (this.dialog) this.dialog.set_may_keep(patient?.consents?.stills === "granted");
    this.#draw_button();
  }

  /** @param {{state: string}} path */
  set_path({ state }) {
    this.#connected = state === "connected";
    this.#draw_button();
  }

  close() {
    this.exchange.close();
    this.dialog?.close();
    this.#forget();
    window.clearTimeout(this.#note_timer);
  }

  get #patient() {
    return this.#people.find(({ role, state, present }) => role === "patient" && state === "admitted" && present) ?? null;
  }

  #draw_button() {
    const { button } = this;
    if (!button) return;
    const can_ask = this.#connected && this.client.still_part_bytes > 0;
    button.hidden = !this.#asking && !(can_ask && this.#patient);
    button.dataset.on = String(this.#asking !== "");
    write(this.root, "still_label", t(this.#asking ? "call_still_cancel" : "call_still_ask"));
  }

  #wire() {
    if (this.button) this.button.onclick = () => (this.#asking ? this.#stop_asking() : this.#ask());
    find_button(this.root, "[data-action=still_cancel]").onclick = () => this.#stop_asking();
    find_button(this.root, "[data-action=still_refuse]").onclick = () => this.#refuse("no");
    this.take.onclick = () => { void this.#take(); };
    this.send.onclick = () => { void this.#send(); };
    this.keeps.onchange = () => this.#draw_fate();
  }

  #listen() {
    /** @param {string} type @param {(detail: any) => void} handle */
    const on = (type, handle) => this.exchange.addEventListener(type, (event) => handle(/** @type {CustomEvent} */ (event).detail));
    on("asked", ({ from }) => this.#show_question(from));
    on("withdrawn", () => this.#end_question(t("call_still_withdrawn")));
    on("sent", () => this.#end_question(t("call_still_sent")));
    on("seen", () => this.#note(t("call_still_seen", { name: this.#name(this.#asking) })));
    on("progress", ({ share }) => this.#note(t("call_still_coming", { percent: Math.floor(share * 100) }), { quiet: share < 1 }));
    on("refused", ({ why }) => this.#end_asking(t(`call_still_refused_${why}`, { name: this.#name(this.#asking) })));
    on("failed", () => this.#failed());
    on("picture", (picture) => this.#show_picture(picture));
  }

  #ask() {
    const patient = this.#patient;
    if (!patient) return;
    this.#asking = patient.id;
    this.exchange.ask(patient.id);
    this.#note(t("call_still_asked", { name: patient.name }));
    this.#draw_button();
  }

  #stop_asking() {
    this.exchange.cancel();
    this.#end_asking("");
  }

  /** @param {string} words */
  #end_asking(words) {
    this.#asking = "";
    this.#note(words, { ends: true });
    this.#draw_button();
  }

  #failed() {
    if (this.#asker) this.#end_question(t("call_still_failed"));
    else this.#end_asking(t("call_still_failed"));
  }

  /** @param {{from: string, id: string, blob: Blob, width: number, height: number}} picture */
  #show_picture(picture) {
    const name = this.#name(picture.from);
    this.#end_asking("");
    announce(t("call_still_there", { name }), { now: true });
    this.dialog?.open({ ...picture, name }, this.#patient?.consents?.stills === "granted");
  }

  /** @param {string} from */
  #show_question(from) {
    this.#asker = from;
    this.#forget();
    const words = this.keep_words();
    const name = this.#name(from);
    write(this.root, "still_ask_title", t("call_still_question", { name }));
    write(this.root, "still_ask_body", t("call_still_question_body", { name }));
    write(this.root, "still_take", t("call_still_take"));
    const kept_already = this.#own_consents.stills === "granted";
    show(this.root, "still_keep", words !== null && !kept_already);
    if (words) {
      write(this.root, "still_keep_title", words.title);
      write_prose(find_html(this.root, "[data-prose=still_keep_body]"), `${words.summary}\n\n${words.body}\n\n${words.if_refused}`);
    }
    this.keeps.checked = false;
    this.send.hidden = true;
    show(this.root, "still_error", false);
    show(this.root, "still_ask", true);
    this.#draw_fate();
    announce(`${t("call_still_question", { name })} ${t("call_still_question_body", { name })}`, { now: true });
  }

  #draw_fate() {
    const kept = this.keeps.checked || this.#own_consents.stills === "granted";
    write(this.root, "still_fate", t(kept ? "call_still_fate_kept" : "call_still_fate_gone", { name: this.#name(this.#asker) }));
  }

  async #take() {
    const camera = this.client.camera;
    if (!camera) {
      this.#refuse("off");
      this.#note(t("call_no_camera"), { ends: true });
      return;
    }
    set_busy(this.take, true);
    show(this.root, "still_error", false);
    try {
      this.#forget();
      this.#taken = await take_still(camera);
      this.preview.src = URL.createObjectURL(this.#taken.blob);
      this.preview.hidden = false;
      this.send.hidden = false;
      write(this.root, "still_take", t("call_still_again"));
      announce(t("call_still_taken"));
      this.send.focus();
    } catch {
      this.#error(t("call_still_no_picture"));
    } finally {
      set_busy(this.take, false);
    }
  }

  async #send() {
    const still = this.#taken;
    if (!still || this.send.hasAttribute("aria-busy")) return;
    set_busy(this.send, true);
    show(this.root, "still_error", false);
    try {
      if (this.keeps.checked) await this.#agree_to_keep();
      await this.exchange.send(still);
      this.#note(t("call_still_sending"));
    } catch (error) {
      this.keeps.checked = false;
      this.#draw_fate();
      this.#error(/** @type {{message?: string}} */ (error).message || t("call_still_failed"));
    } finally {
      set_busy(this.send, false);
    }
  }

  async #agree_to_keep() {
    const words = this.keep_words();
    if (words) await this.client.request("consent", { purpose: "stills", decision: "granted", version: words.version, capacity: this.capacity.value });
  }

  /** @param {"no"|"off"} why */
  #refuse(why) {
    this.exchange.refuse(why);
    this.#end_question("");
  }

  /** @param {string} words */
  #end_question(words) {
    this.#asker = "";
    this.#forget();
    show(this.root, "still_ask", false);
    this.#note(words, { ends: true });
  }

  /** A picture that was taken lives as long as its card. */
  #forget() {
    if (this.preview.src) URL.revokeObjectURL(this.preview.src);
    this.preview.removeAttribute("src");
    this.preview.hidden = true;
    this.#taken = null;
  }

  /** @param {string} words "" for none @param {{quiet?: boolean, ends?: boolean}} [how] ends: it goes away by itself */
  #note(words, { quiet = false, ends = false } = {}) {
    window.clearTimeout(this.#note_timer);
    show(this.root, "still_note", words !== "");
    write(this.root, "still_note", words);
    find_button(this.root, "[data-action=still_cancel]").hidden = this.#asking === "";
    if (words && !quiet) announce(words);
    if (ends) this.#note_timer = window.setTimeout(() => show(this.root, "still_note", false), NOTE_MS);
  }

  /** @param {string} words */
  #error(words) {
    write(this.root, "still_error", words);
    show(this.root, "still_error", true);
  }

  /** @param {string} id */
  #person(id) {
    return this.#people.find((person) => person.id === id) ?? null;
  }

  /** @param {string} id */
  #name(id) {
    return this.#person(id)?.name ?? "";
  }
}
