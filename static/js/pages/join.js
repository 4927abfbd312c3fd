// The patient's path in one document. The server says how far the person has come; this page shows one step at a time
// and keeps camera, wake lock and call across them.
//
//   /join/#token --look-up--> arrival --click: redeem--> /v/<code>/ details -> device_check -> consent -> waiting -> visit -> after
//                     any point: trouble (with a way on)

import { WakeLock } from "../call/devices.js";
import { announce, find_html, focus_on, show } from "./dom.js";
import { get_json, post_json, ServerError } from "./server.js";
import { AfterStep } from "./steps/after.js";
import { ArrivalStep } from "./steps/arrival.js";
import { ConsentStep } from "./steps/consent.js";
import { DetailsStep } from "./steps/details.js";
import { DeviceCheckStep } from "./steps/device_check.js";
import { allowed_step, position, step_after, step_before } from "./steps/order.js";
import { OwnMedia } from "./steps/own_media.js";
import { dress, keep_token_on_language_change, speak_their_language } from "./steps/clinic_dress.js";
import { browser_kind } from "./steps/permission_help.js";
import { TroubleStep } from "./steps/trouble.js";
import { VisitStep } from "./steps/visit.js";
import { ServerClock } from "./steps/visit_times.js";
import { WaitingStep } from "./steps/waiting.js";
import { t } from "./texts.js";

/** @typedef {import("./steps/order.js").StepName} StepName */
/** @typedef {{clinic: {name: string, phone: string, logo_url: string, accent: string, languages?: string[]}, practitioner: {name: string, registration: string}|null, visit_type: string, starts_at: string, ends_at: string, zone: string, opens_at: string, status: string, language?: string, role?: string, person_name?: string, server_time_ms?: number}} Visit */
/** @typedef {{purpose: string, language: string, version: number, title: string, summary: string, body: string, if_refused: string, capacity_options?: Array<{value: string, label: string}>, decision: "granted"|"refused"|"withdrawn"|null}} Consent */
/** @typedef {{step: StepName, device_state: "active"|"asking"|"revoked", person: {name: string, language: string, role?: string}, asks?: string[], details: import("./steps/remembered.js").Details|null, visit: Visit, consent: Consent|null, consents?: import("./steps/after.js").Capture[], keep_stills?: import("./call_still.js").ConsentWords|null, ws_url: string, worker_url: string, relay_only: {clinic: boolean, person: boolean}, outcome: string|null, may_return_until?: string|null, server_time_ms?: number}} SeatState */

const ASKING_POLL_MS = 3000;
/** Arrival, name, camera and sound. */
const GUEST_STEPS = 3;
/** Answers of the server that no form can mend: they have a screen of their own. */
const TROUBLES = new Set(["unknown_link", "link_used", "late", "cancelled", "ended", "no_seat", "replaced", "stale_page", "rate_limited", "removed"]);

export class Path {
  /** @type {SeatState|null} */
  state = null;
  /** @type {Visit|null} */
  visit = null;
  code = "";
  token = "";
  clock = new ServerClock();
  media = new OwnMedia();
  wake_lock = new WakeLock();
  /** The practitioner finished it, or it was over: there is no way back in. */
  visit_ended = false;
  /** @type {StepName|"trouble"|"loading"} */
  current = "loading";
  #depth = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #asking_timer;

  constructor() {
    this.main = find_html(document, "#main");
    const section = (/** @type {string} */ name) => find_html(this.main, `[data-step=${name}]`);
    this.steps = {
      arrival: new ArrivalStep(section("arrival"), this),
      details: new DetailsStep(section("details"), this),
      device_check: new DeviceCheckStep(section("device_check"), this),
      consent: new ConsentStep(section("consent"), this),
      waiting: new WaitingStep(section("waiting"), this),
      visit: new VisitStep(section("visit"), this),
      after: new AfterStep(section("after"), this),
      trouble: new TroubleStep(section("trouble"), this),
    };
    for (const button of this.main.querySelectorAll("[data-action=back]")) button.addEventListener("click", () => this.back());
    window.addEventListener("popstate", (event) => this.#popped(event.state?.step));
    window.addEventListener("online", () => this.#online());
    window.addEventListener("offline", () => show(this.main, "offline", true));
    show(this.main, "offline", !navigator.onLine);
  }

  get role() { return this.state?.person.role ?? this.visit?.role ?? "patient"; }
  /** Somebody who comes along: a relative, an interpreter, a chaperone, a colleague. */
  get is_guest() { return this.role !== "patient"; }

  // --- Talking to the server ---

  /** @param {string} part "state", "details", … @returns {string} */
  seat_url(part) {
    return `/v/${encodeURIComponent(this.code)}/${part}/`;
  }

  /** @param {string} part @param {object} data @returns {Promise<SeatState>} */
  async post(part, data) {
    return this.#keep(await post_json(this.seat_url(part), data));
  }

  /** @returns {Promise<SeatState>} */
  async refresh() {
    return this.#keep(await get_json(this.seat_url("state")));
  }

  /** @param {SeatState} state */
  #keep(state) {
    this.state = state;
    this.visit = state.visit;
    this.clock.set(state.server_time_ms ?? state.visit.server_time_ms);
    dress(state.visit);
    return state;
  }

  async start() {
    const seat = /^\/v\/([^/]+)\/$/.exec(location.pathname);
    this.token = location.hash.slice(1);
    keep_token_on_language_change(this.token);
    try {
      if (seat?.[1]) {
        this.code = decodeURIComponent(seat[1]);
        const state = await this.refresh();
        this.#depth = history.state?.depth ?? 0;
        // The first screen only leads on from here; whoever reloads is past it.
        const wanted = history.state?.step === "arrival" ? state.step : history.state?.step;
        this.#arrive(state, allowed_step(wanted, state.step));
      } else if (this.token) {
        await this.#look_up();
      } else {
        this.trouble("no_link");
      }
    } catch (error) {
      this.#catch(error);
    }
  }

  async #look_up() {
    /** @type {Visit} */
    const visit = await post_json(this.main.dataset["lookupUrl"] ?? "", { token: this.token });
    this.visit = visit;
    this.clock.set(visit.server_time_ms);
    dress(visit);
    if (speak_their_language(visit.language)) return;
    if (TROUBLES.has(visit.status)) {
      this.visit_ended = visit.status === "ended";
      this.trouble(visit.status);
      return;
    }
    history.replaceState({ step: "arrival", depth: 0 }, "");
    this.show("arrival");
  }

  /** The click on the first screen: the link becomes this browser's seat. */
  async redeem() {
    if (!this.code) {
      const { code, url } = await post_json(this.main.dataset["redeemUrl"] ?? "", { token: this.token, device_label: t(`device_${browser_kind(navigator.userAgent)}`) });
      this.code = code;
      this.token = "";
      history.replaceState({ step: "arrival", depth: 0 }, "", url);
      keep_token_on_language_change(this.token);
    }
    const state = await this.refresh();
    this.#arrive(state, state.step);
  }

  /** @param {SeatState} state @param {StepName} step */
  #arrive(state, step) {
    clearTimeout(this.#asking_timer);
    if (state.device_state === "asking") {
      this.ask_for_seat();
      return;
    }
    if (state.device_state === "revoked") {
      this.trouble("replaced");
      return;
    }
    this.visit_ended = Boolean(state.outcome) || state.visit.status === "ended";
    if (step === "after" && state.visit.status === "cancelled") this.trouble("cancelled");
    else {
      if (step === "visit") this.open_call();
      this.go(step);
    }
  }

  /** Another device has the seat: wait here until the practitioner lets this one in. */
  ask_for_seat() {
    this.trouble("asking");
    this.#asking_timer = setTimeout(() => { void this.#ask_again(); }, ASKING_POLL_MS);
  }

  /** A second device waits until the practitioner lets it in; only its own state is asked for. */
  async #ask_again() {
    if (this.current !== "trouble" || this.steps.trouble.kind !== "asking") return;
    try {
      const state = await this.refresh();
      this.#arrive(state, state.step);
    } catch (error) {
      if (error instanceof ServerError && error.code !== "offline") this.#catch(error);
      else this.#asking_timer = setTimeout(() => { void this.#ask_again(); }, ASKING_POLL_MS);
    }
  }

  // --- Moving ---

  /** One step was answered: on to the next, which is at most what the server allows. @param {SeatState} state */
  advance(state) {
    const current = this.current;
    if (current === "trouble" || current === "loading" || position(state.step) >= position("visit")) this.#arrive(state, state.step);
    else this.go(allowed_step(step_after(current, { asks_consent: !this.is_guest }), state.step));
  }

  /** @param {StepName} step */
  go(step) {
    if (step === this.current) return;
    this.#depth += 1;
    const entry = { step, depth: this.#depth };
    if (this.current === "loading") history.replaceState(entry, "");
    else history.pushState(entry, "");
    this.show(step);
  }

  back() {
    if (this.current === "trouble" || this.current === "loading") return;
    if (this.#depth > 0 && history.state?.depth === this.#depth && history.length > 1) history.back();
    else this.show(step_before(this.current, { asks_consent: !this.is_guest }));
  }

  /** @param {string|undefined} wanted */
  #popped(wanted) {
    const { current } = this;
    if (current === "loading") return;
    const reached = this.state?.step ?? "arrival";
    if (current === "visit" || current === "after") {
      // A wrong swipe must never hang up.
      history.pushState({ step: current, depth: this.#depth }, "");
      if (current === "visit") announce(t("said_stay"), { now: true });
      return;
    }
    this.#depth = history.state?.depth ?? 0;
    this.show(wanted === "arrival" ? "arrival" : allowed_step(wanted, reached));
  }

  /** Shows one section, tells the old one to let go, and moves the focus to the new heading. @param {StepName|"trouble"} name */
  show(name) {
    if (name !== "visit") document.body.classList.remove("call");
    if (this.current !== "loading") this.steps[this.current].leave();
    const first = this.current === "loading";
    this.current = name;
    for (const section of this.main.querySelectorAll(":scope > [data-step]")) {
      if (section instanceof HTMLElement) section.hidden = section.dataset["step"] !== name;
    }
    // Leaving the waiting room for an earlier step: the practitioner still sees the person wait, the lock may rest.
    if (name !== "waiting" && name !== "visit") void this.wake_lock.release();
    this.main.dataset["at"] = name;
    this.#count_steps();
    this.steps[name].enter();
    if (name === "visit") {
      // The call has no heading: its region, named "Video visit", takes the focus, and the next Tab is its first control.
      focus_on(find_html(this.main, "#call"));
      return;
    }
    window.scrollTo({ top: 0, behavior: "instant" });
    const heading = this.steps[name].section.querySelector("h1");
    // On the first screen the browser's own reading of the page is right; a moved focus would cut it short.
    if (heading instanceof HTMLElement && !first) focus_on(heading);
  }

  /** The page counts for the patient; a guest has one step less. */
  #count_steps() {
    if (!this.is_guest) return;
    for (const element of this.main.querySelectorAll(".step-count")) {
      if (element instanceof HTMLElement) element.textContent = t("step_count", { number: element.dataset["number"] ?? "", total: GUEST_STEPS });
    }
  }

  // --- The call ---

  /** Waiting or in the visit: the signaling is open, and says when the person is let in. */
  open_call() {
    this.steps.visit.open();
  }

  /** The person was let in. */
  admitted() {
    if (this.current === "visit") return;
    if (this.current === "waiting") this.steps.waiting.admitted();
    this.go("visit");
  }

  /** The server dropped this page for a reason of its own: ask where the person stands. */
  async start_again() {
    this.steps.visit.close();
    await this.start();
  }

  /** The visit is over, or the person has left it. @param {{ended: boolean}} how */
  async visit_over({ ended }) {
    this.visit_ended = ended;
    this.steps.visit.close();
    await this.refresh().then((state) => { this.visit_ended ||= Boolean(state.outcome) || state.visit.status === "ended"; }, () => {});
    this.go("after");
  }

  /** Back from "after" into a visit that is still open. @param {SeatState} state */
  rejoin(state) {
    if (state.step === "after") this.visit_ended = true;
    this.#arrive(state, state.step);
  }

  // --- Trouble ---

  /** @param {string} kind @param {string} [message] the server's own sentence */
  trouble(kind, message = "") {
    this.steps.trouble.kind = kind;
    this.steps.trouble.message = message;
    if (kind !== "refused") this.steps.visit.close();
    this.show("trouble");
  }

  /** @param {ServerError} error @returns {boolean} whether the error has a screen of its own, now shown */
  show_trouble_of(error) {
    if (error.code === "device_asking") {
      this.ask_for_seat();
      return true;
    }
    if (!TROUBLES.has(error.code)) return false;
    this.visit_ended = error.code === "ended";
    this.trouble(error.code, error.message);
    return true;
  }

  /** @param {unknown} error */
  #catch(error) {
    if (!(error instanceof ServerError)) throw error;
    if (this.show_trouble_of(error)) return;
    if (error.status === 404 || error.status === 401) this.trouble(this.code ? "no_seat" : "unknown_link");
    else this.trouble(error.code === "offline" ? "offline" : "server", error.code === "offline" ? "" : error.message);
  }

  /** "Try again" on the trouble screen. @param {string} kind */
  async retry_after(kind) {
    if (kind === "refused") {
      this.show("consent");
    } else if (kind === "stale_page") {
      location.reload();
    } else {
      await this.start();
    }
  }

  #online() {
    show(this.main, "offline", false);
    announce(t("said_online"));
    if (this.current === "trouble" && this.steps.trouble.kind === "offline") void this.start();
  }
}

void new Path().start();
