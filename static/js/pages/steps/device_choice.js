// The three selects "camera, microphone, speaker", in the device check and in the waiting room.

import { announce, find, show } from "../dom.js";
import { t } from "../texts.js";
import { choose_output } from "./sounds.js";

/** @typedef {import("./own_media.js").OwnMedia} OwnMedia */

const KINDS = /** @type {const} */ ({ camera: "videoinput", microphone: "audioinput", speaker: "audiooutput" });

/** @typedef {keyof typeof KINDS} Kind */

export class DeviceChoice {
  /** @param {HTMLElement} section @param {OwnMedia} media */
  constructor(section, media) {
    this.section = section;
    this.media = media;
    for (const kind of /** @type {Kind[]} */ (Object.keys(KINDS))) {
      this.#select(kind).addEventListener("change", () => { void this.#choose(kind); });
    }
  }

  /** @param {Kind} kind */
  #select(kind) {
    return find(this.section, `[data-device=${kind}]`, HTMLSelectElement);
  }

  render() {
    let choices = 0;
    for (const kind of /** @type {Kind[]} */ (Object.keys(KINDS))) {
      // Without permission labels are empty, and a choice between two nameless cameras helps nobody.
      const devices = this.media.devices[KINDS[kind]].filter((device) => device.label !== "");
      const offered = devices.length > 1 && !(kind === "speaker" && !("setSinkId" in HTMLMediaElement.prototype));
      show(this.section, `choose_${kind}`, offered);
      if (!offered) continue;
      choices += 1;
      const select = this.#select(kind);
      select.replaceChildren(...devices.map((device) => new Option(device.label, device.id)));
      select.value = this.#current(kind) || (devices[0]?.id ?? "");
    }
    show(this.section, "choose_devices", choices > 0);
  }

  /** @param {Kind} kind */
  #current(kind) {
    if (kind === "speaker") return this.media.speaker_id;
    const track = kind === "camera" ? this.media.video_track : this.media.audio_track;
    return track?.getSettings().deviceId ?? "";
  }

  /** @param {Kind} kind */
  async #choose(kind) {
    const select = this.#select(kind);
    const label = select.selectedOptions[0]?.label ?? "";
    if (kind === "speaker") {
      this.media.speaker_id = select.value;
      await choose_output(select.value);
      announce(t("device_changed", { device: label }));
      return;
    }
    const changed = await this.media.choose(kind, select.value);
    announce(t(changed ? "device_changed" : "device_not_changed", { device: label }));
  }
}
