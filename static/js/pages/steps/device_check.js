// Step 3: own picture, microphone, speaker, connection. Nothing here blocks the way: whatever fails is said in words,
// told to the practitioner, and the person goes on.

import { measure_rtt_ms, network_word, probe_turn } from "../../call/connection_check.js";
import { play_test_tone } from "../../call/devices.js";
import { FrameTransforms } from "../../call/frame_transforms.js";
import { announce, find, find_button, find_html, focus_on, set_busy, show, write } from "../dom.js";
import { get_json, ServerError } from "../server.js";
import { t } from "../texts.js";
import { DeviceChoice } from "./device_choice.js";
import { LevelMeter } from "./level_meter.js";
import { drop_own_picture, render_own_picture } from "./own_picture.js";
import { device_class, permission_steps } from "./permission_help.js";
import { unlock_sound } from "./sounds.js";

/** @typedef {import("../join.js").Path} Path */

const TONES = { good: "badge--good", fair: "badge--look", look: "badge--look", bad: "badge--bad", plain: "" };

export class DeviceCheckStep {
  /** @type {"heard"|"not_heard"|"skipped"} */
  #speaker = "skipped";
  /** @type {{network: import("../../call/connection_check.js").NetworkWord, rtt_ms: number|null, turn: import("../../call/connection_check.js").TurnReach}} */
  #network = { network: "unknown", rtt_ms: null, turn: { udp: null, tcp: null, tls: null } };
  #network_done = false;
  #heard = false;
  #silent = false;
  #blocked_shown = false;
  #present = false;
  #has_relay = false;

  /** @param {HTMLElement} section @param {Path} path */
  constructor(section, path) {
    this.section = section;
    this.path = path;
    this.done = find_button(section, "[data-action=done]");
    this.meter = new LevelMeter(find_html(section, "[data-meter]"));
    this.choice = new DeviceChoice(section, path.media);
    this.relay_tick = find(section, "[name=relay_only]", HTMLInputElement);
    const on = (/** @type {string} */ action, /** @type {() => void} */ run) => find_button(section, `[data-action=${action}]`).addEventListener("click", run);
    on("done", () => { void this.#finish(); });
    on("without_camera", () => {
      path.media.close_camera();
      void this.#finish();
    });
    on("retry", () => { void this.#retry(); });
    on("play", () => { void this.#play(); });
    on("heard", () => this.#answer("heard"));
    on("not_heard", () => this.#answer("not_heard"));
    path.media.addEventListener("change", () => { if (this.#present) this.#render(); });
    this.meter.addEventListener("heard", () => { this.#heard = true; this.#silent = false; this.#render(); announce(t("microphone_heard")); });
    this.meter.addEventListener("silent", () => { this.#silent = true; this.#heard = false; this.#render(); announce(t("microphone_silent")); });
    this.meter.addEventListener("sound", () => { this.#silent = false; this.#render(); });
  }

  enter() {
    this.#present = true;
    show(this.section, "unencrypted", !FrameTransforms.supported);
    this.#render_relay();
    this.#render();
    void this.path.media.open();
    if (!this.#network_done) void this.#check_network();
  }

  leave() {
    this.#present = false;
    this.meter.stop();
    drop_own_picture(this.section);
  }

  #render() {
    const { media } = this.path;
    render_own_picture(this.section, media);
    this.choice.render();
    this.meter.watch(media.audio_track);
    const asking = media.camera === "asking" || media.microphone === "asking";
    show(this.section, "asking", asking);
    show(this.section, "meter", media.microphone === "ok");
    this.#render_trouble(asking);
    const microphone = media.microphone !== "ok" ? media.microphone : this.#silent ? "silent" : this.#heard ? "heard" : "ok";
    this.#set("microphone", microphone, microphone === "heard" ? "good" : ["ok", "asking", "unknown", "off"].includes(microphone) ? "plain" : "look");
    this.#set("speaker", this.#speaker, this.#speaker === "heard" ? "good" : this.#speaker === "not_heard" ? "look" : "plain");
    const word = this.#network_done ? this.#network.network : "checking";
    this.#set("network", word, word === "good" ? "good" : word === "checking" || word === "unknown" ? "plain" : "look");
  }

  /** @param {string} name @param {string} word @param {keyof typeof TONES} tone */
  #set(name, word, tone) {
    write(this.section, `${name}_state`, t(`${name}_word_${word}`));
    write(this.section, `${name}_tip`, t(`${name}_tip_${word}`));
    find_html(this.section, `[data-text=${name}_state]`).className = `badge ${TONES[tone]}`;
  }

  /** Plain help, in the words of this browser's menus, when the camera or the microphone cannot be used. @param {boolean} asking */
  #render_trouble(asking) {
    const { media } = this.path;
    const states = [media.camera, media.microphone];
    const reason = states.includes("blocked") ? "blocked" : states.includes("busy") ? "busy" : states.includes("missing") ? "missing" : "";
    const visible = !asking && reason !== "";
    if (visible && !this.#blocked_shown) {
      const which = media.camera === reason && media.microphone === reason ? "both" : media.camera === reason ? "camera" : "microphone";
      write(this.section, "blocked_title", t(`${reason}_${which}`));
      const steps = reason === "blocked" ? permission_steps() : [t(`${reason}_help`)];
      find(this.section, "[data-list=blocked_help]", HTMLOListElement).replaceChildren(
        ...steps.map((step) => Object.assign(document.createElement("li"), { textContent: step })),
      );
      write(this.section, "blocked_else", t("blocked_else"));
    }
    this.#blocked_shown = visible;
    show(this.section, "blocked", visible);
  }

  async #retry() {
    unlock_sound();
    const { media } = this.path;
    const before = `${media.camera} ${media.microphone}`;
    await media.open();
    if (before === `${media.camera} ${media.microphone}`) announce(t("still_blocked"), { now: true });
    else focus_on(find_html(this.section, "h1"));
  }

  async #play() {
    unlock_sound();
    const button = find_button(this.section, "[data-action=play]");
    if (button.hasAttribute("aria-busy")) return;
    set_busy(button, true);
    write(this.section, "speaker_tip", t("speaker_tip_playing"));
    const played = await play_test_tone(this.path.media.speaker_id).then(() => true, () => false);
    set_busy(button, false);
    write(this.section, "play_label", t("play_again"));
    write(this.section, "speaker_tip", t(played ? "speaker_question" : "speaker_tip_not_played"));
    show(this.section, "heard", played);
  }

  /** @param {"heard"|"not_heard"} answer */
  #answer(answer) {
    this.#speaker = answer;
    show(this.section, "heard", false);
    this.#render();
    find_button(this.section, "[data-action=play]").focus();
  }

  async #check_network() {
    const { path } = this;
    const rtt_ms = await measure_rtt_ms(find(document, "link[rel=icon]", HTMLLinkElement).href);
    const downlink = /** @type {any} */ (navigator).connection?.downlink;
    this.#network.rtt_ms = rtt_ms;
    this.#network.network = network_word(rtt_ms, typeof downlink === "number" ? downlink : undefined);
    this.#network_done = true;
    this.#render();
    try {
      const { ice_servers } = await get_json(path.seat_url("turn-probe"));
      this.#has_relay = ice_servers.length > 0;
      this.#render_relay();
      this.#network.turn = await probe_turn(ice_servers);
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
    }
  }

  /** Offered only where the clinic has a relay: a switch that cannot work is one more thing to be afraid of. */
  #render_relay() {
    const available = this.#has_relay;
    const relay = this.path.state?.relay_only ?? { clinic: false, person: false };
    show(this.section, "relay_clinic", relay.clinic);
    show(this.section, "relay_choice", !relay.clinic);
    show(this.section, "relay", available || relay.clinic);
    this.relay_tick.disabled = !available;
    this.relay_tick.checked = available && (relay.person || this.relay_tick.checked);
  }

  /** @param {import("./own_media.js").DeviceState} state */
  #reported(state) {
    if (state === "ok" || state === "missing" || state === "off") return state;
    return "blocked";
  }

  async #finish() {
    if (this.done.hasAttribute("aria-busy")) return;
    unlock_sound();
    set_busy(this.done, true);
    show(this.section, "error", false);
    // The browser's own question is on the screen: the answer to it comes first.
    await this.path.media.settled();
    const { media } = this.path;
    try {
      const state = await this.path.post("device-check", {
        camera: this.#reported(media.camera),
        microphone: media.microphone === "ok" && this.#silent ? "silent" : this.#reported(media.microphone),
        speaker: this.#speaker,
        ...this.#network,
        relay_only: this.relay_tick.checked,
        frame_encryption: FrameTransforms.supported,
        device: device_class(navigator.userAgent),
      });
      this.path.advance(state);
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
      if (this.path.show_trouble_of(error)) return;
      write(this.section, "error", error.message);
      show(this.section, "error", true);
      focus_on(find_html(this.section, "[data-part=error]"));
    } finally {
      set_busy(this.done, false);
    }
  }
}
