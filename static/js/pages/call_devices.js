// Another camera, microphone or speaker in the middle of the call.

import { list_devices, watch_devices } from "../call/devices.js";
import { single_keys } from "./call_keys.js";
import { find, find_button, find_input, set_busy, show, write } from "./dom.js";
import { t } from "./texts.js";

/** @typedef {import("../call/call_client.js").CallClient} CallClient */

const KINDS = /** @type {const} */ ({ camera: "videoinput", microphone: "audioinput", speaker: "audiooutput" });
/** @typedef {keyof typeof KINDS} Name */
const NAMES = /** @type {Name[]} */ (Object.keys(KINDS));

/** Fires "speaker" with the id of the chosen loudspeaker. */
export class DeviceDialog extends EventTarget {
  #stop_watching;
  #speaker_id = "";

  /** @param {HTMLElement} root @param {CallClient} client @param {() => MediaStream|null} own_stream */
  constructor(root, client, own_stream) {
    super();
    this.client = client;
    this.own_stream = own_stream;
    this.dialog = find(root, "[data-part=devices]", HTMLDialogElement);
    find_button(this.dialog, "[data-action=close_devices]").onclick = () => this.dialog.close();
    const keys = find_input(this.dialog, "[data-setting=single_keys]");
    keys.checked = single_keys.enabled;
    keys.onchange = () => { single_keys.enabled = keys.checked; };
    for (const name of NAMES) this.#select(name).onchange = () => { void this.#choose(name); };
    this.#stop_watching = navigator.mediaDevices ? watch_devices(() => { if (this.dialog.open) void this.#fill(); }) : () => {};
  }

  async open() {
    show(this.dialog, "device_error", false);
    this.dialog.showModal();
    await this.#fill();
  }

  close() {
    this.#stop_watching();
    if (this.dialog.open) this.dialog.close();
  }

  async #fill() {
    const found = await list_devices().catch(() => ({ audioinput: [], videoinput: [], audiooutput: [] }));
    // Firefox may list no speaker although one plays, so "none found" would be wrong.
    show(this.dialog, "choose_speaker", "setSinkId" in HTMLMediaElement.prototype && found.audiooutput.length > 0);
    for (const name of NAMES) {
      const select = this.#select(name);
      const options = found[KINDS[name]].map(({ id, label }, index) => new Option(label || t(`call_device_unnamed_${name}`, { number: index + 1 }), id));
      if (options.length === 0) options.push(new Option(t("call_device_none"), ""));
      select.replaceChildren(...options);
      select.disabled = options.length < 2;
      const current = this.#current(name);
      if (options.some((option) => option.value === current)) select.value = current;
    }
  }

  /** @param {Name} name */
  #current(name) {
    if (name === "speaker") return this.#speaker_id;
    const stream = this.own_stream();
    const track = name === "camera" ? stream?.getVideoTracks()[0] : stream?.getAudioTracks()[0];
    return track?.getSettings().deviceId ?? "";
  }

  /** @param {Name} name */
  async #choose(name) {
    const select = this.#select(name);
    show(this.dialog, "device_error", false);
    if (name === "speaker") {
      this.#speaker_id = select.value;
      this.dispatchEvent(new CustomEvent("speaker", { detail: select.value }));
      return;
    }
    set_busy(select, true);
    try {
      await this.client.switch_device(KINDS[name], select.value);
    } catch {
      show(this.dialog, "device_error", true);
      write(this.dialog, "device_error", t("call_device_switch_failed"));
      select.value = this.#current(name);
    } finally {
      set_busy(select, false);
    }
  }

  /** @param {Name} name */
  #select(name) {
    return find(this.dialog, `[data-device=${name}]`, HTMLSelectElement);
  }
}
