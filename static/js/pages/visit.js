// The practitioner's page of one visit: who waits, the call, the drawer, and the end with an outcome.

import { CallClient } from "../call/call_client.js";
import { WakeLock } from "../call/devices.js";
import { listen_for_keys } from "./call_keys.js";
import { CallView } from "./call_view.js";
import { find_button, find_html, focus_on, set_busy, show, write } from "./dom.js";
import { Notes } from "./notes.js";
import { PathEvents } from "./path_events.js";
import { OwnMedia } from "./steps/own_media.js";
import { has_text, page_language, t } from "./texts.js";
import { InviteDialog } from "./visit_invite.js";
import { PathPanel } from "./visit_path.js";
import { PeopleList } from "./visit_people.js";
import { draw_patient_panel } from "./visit_person.js";
import { select_tab, wire_tabs } from "./visit_tabs.js";
import { request_words, WaitingList } from "./visit_waiting.js";

/** @typedef {import("./visit_person.js").VisitPerson} VisitPerson */

const REDRAW_WAITING_MS = 15_000;
const TONES = { ended: "", live: "badge--live", waiting: "badge--look" };

class VisitPage {
  /** @type {CallView|null} */
  #view = null;
  #over = false;
  #sent = "";
  #title = document.title;

  constructor() {
    this.main = find_html(document, "#main");
    this.drawer = find_html(this.main, "#drawer");
    this.tabs = find_html(this.drawer, "[role=tablist]");
    this.media = new OwnMedia();
    this.client = new CallClient({ ws_url: this.#ws_url(), worker_url: this.main.dataset.workerUrl ?? "", page_id: crypto.randomUUID() });
    this.waiting = new WaitingList(this.drawer, this.client);
    this.people = new PeopleList(find_html(this.drawer, "[data-part=people]"), this.client);
    this.invite = new InviteDialog(this.main, this.client);
    this.path = new PathPanel(this.drawer, this.client);
    this.path_events = new PathEvents(this.drawer, this.client, this.main.dataset.pathEventsUrl ?? "");
    this.notes = new Notes(this.drawer, this.main.dataset.notesUrl ?? "");
    this.wake_lock = new WakeLock();
    wire_tabs(this.tabs);
    this.#wire();
    this.#say_local_time();
  }

  async start() {
    this.#listen();
    this.client.start(this.media.stream);
    this.#view = new CallView({
      root: find_html(this.main, "#call"),
      client: this.client,
      stream: this.media.stream,
      on_leave: () => { void this.#leave(); },
      on_retry_devices: () => this.media.open(),
    });
    this.media.addEventListener("change", () => this.#media_changed());
    void this.wake_lock.hold();
    await this.media.open();
  }

  #ws_url() {
    return new URL(this.main.dataset.wsPath ?? "", location.href.replace(/^http/, "ws")).href;
  }

  #wire() {
    find_button(this.main, "[data-action=finish]").onclick = () => this.#ask_outcome(true);
    find_button(this.main, "[data-action=finish_cancel]").onclick = () => this.#ask_outcome(false);
    find_button(this.main, "[data-action=reload]").onclick = () => location.reload();
    find_button(this.main, "[data-action=open_path]").onclick = () => this.#open_tab("tab-path");
    find_button(this.main, "[data-action=toggle_drawer]").onclick = () => this.#toggle_drawer();
    for (const button of this.main.querySelectorAll("[data-outcome]")) {
      if (button instanceof HTMLButtonElement) button.onclick = () => { void this.#finish(button); };
    }
    listen_for_keys({ a: () => this.waiting.admit_first() });
    window.setInterval(() => this.waiting.draw(), REDRAW_WAITING_MS);
  }

  #listen() {
    this.client.addEventListener("state", () => this.#draw());
    this.client.addEventListener("closed", (event) => this.#closed(/** @type {CustomEvent} */ (event).detail));
  }

  /** What is sent follows the devices: a camera allowed late joins the running call. */
  #media_changed() {
    const { camera, microphone, stream } = this.media;
    const tracks = stream.getTracks().map(({ id }) => id).sort().join(" ");
    if (tracks !== this.#sent) {
      this.#sent = tracks;
      this.client.start(stream);
      this.#view?.set_stream(stream);
    }
    const states = [camera, microphone];
    const trouble = /** @type {const} */ (["blocked", "busy", "missing"]).find((kind) => states.includes(kind)) ?? null;
    this.#view?.set_device_trouble(trouble);
  }

  #draw() {
    const snapshot = /** @type {any} */ (this.client.state);
    /** @type {VisitPerson[]} */
    const people = snapshot.participants;
    const { room } = snapshot;
    this.waiting.take(people, room.clinic.emergency_number);
    this.people.draw(snapshot.me, people);
    draw_patient_panel(this.drawer, people, room.clinic.emergency_number);
    this.path.draw();
    const waits = this.waiting.waiting.length;
    const [first] = this.waiting.waiting;
    this.#view?.set_alone_text(first ? t("visit_alone_waiting", { name: first.name }) : "");
    const state = room.state !== "ended" && waits > 0 && room.state !== "live" ? "waiting" : room.state;
    write(this.main, "visit_state", t(`visit_state_${state}`));
    find_html(this.main, "[data-part=visit_state]").className = `badge ${TONES[/** @type {keyof typeof TONES} */ (state)] ?? ""}`;
    document.title = waits > 0 ? `${t("visit_title_waiting", { count: waits })} · ${this.#title}` : this.#title;
    if (room.state === "ended" && !this.#over) this.#closed({ code: 4410, reason: "visit_ended" });
  }

  /** @param {string} tab */
  #open_tab(tab) {
    this.main.dataset.drawer = "open";
    select_tab(this.tabs, tab);
    find_button(this.tabs, `#${tab}`).focus();
  }

  #toggle_drawer() {
    const open = this.main.dataset.drawer !== "open";
    this.main.dataset.drawer = open ? "open" : "closed";
    find_button(this.main, "[data-action=toggle_drawer]").setAttribute("aria-expanded", String(open));
  }

  /** @param {boolean} open */
  #ask_outcome(open) {
    show(this.main, "finish", open);
    show(this.main, "finish_error", false);
    const button = find_button(this.main, "[data-action=finish]");
    button.setAttribute("aria-expanded", String(open));
    if (open) focus_on(find_html(this.main, "#finish-title"));
    else button.focus();
  }

  /** @param {HTMLButtonElement} button */
  async #finish(button) {
    show(this.main, "finish_error", false);
    set_busy(button, true);
    const saved = await this.notes.finish();
    if (!saved) {
      set_busy(button, false);
      this.#refuse_finish(t("visit_finish_notes"));
      return;
    }
    this.#over = true;
    try {
      await this.client.request("finish", { outcome: button.dataset.outcome ?? "" });
      this.#go_to_today();
    } catch (error) {
      // The server ends everybody's socket with the visit; its answer may be overtaken by that.
      if (/** @type {{code?: string}} */ (error).code === "closed" && /** @type {any} */ (this.client.state)?.room.state === "ended") {
        this.#go_to_today();
        return;
      }
      this.#over = false;
      set_busy(button, false);
      this.#refuse_finish(request_words(error));
    }
  }

  /** @param {string} sentence */
  #refuse_finish(sentence) {
    show(this.main, "finish_error", true);
    write(this.main, "finish_error", sentence);
  }

  /** Leaves the visit open for the others and goes back to the day. */
  async #leave() {
    if (!(await this.notes.finish())) {
      this.#open_tab("tab-notes");
      return;
    }
    this.#over = true;
    await Promise.race([this.client.request("leave").catch(() => {}), new Promise((done) => setTimeout(done, 1500))]);
    this.#go_to_today();
  }

  #go_to_today() {
    this.#view?.close();
    this.client.close();
    this.media.close();
    location.assign(this.main.dataset.todayUrl ?? "/");
  }

  /** @param {{code: number, reason: string}} how the server will not have this page any more */
  #closed({ reason }) {
    if (this.#over) {
      if (reason === "visit_ended") this.#go_to_today();
      return;
    }
    this.#over = true;
    this.#view?.close();
    this.invite.close();
    this.client.close();
    this.media.close();
    void this.wake_lock.release();
    const key = `visit_closed_${reason}`;
    write(this.main, "closed", t(has_text(key) ? key : "visit_closed_unknown"));
    show(this.main, "closed", true);
    find_button(this.main, "[data-action=reload]").hidden = ["visit_ended", "not_allowed", "unknown"].includes(reason);
  }

  /** The server wrote the time in the clinic's zone; who works elsewhere sees their own clock too. */
  #say_local_time() {
    const element = this.main.querySelector("time[data-time]");
    if (!(element instanceof HTMLTimeElement) || !element.dateTime) return;
    const own = new Intl.DateTimeFormat(page_language(), { hour: "numeric", minute: "2-digit" }).format(new Date(element.dateTime));
    element.textContent = own;
  }
}

void new VisitPage().start();
