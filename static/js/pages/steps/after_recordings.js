// After the visit: what the practice still asks, what was recorded of this person, and their copy of it.

import { announce, find, find_button, find_html, set_busy, show, write } from "../dom.js";
import { get_json, post_json, ServerError } from "../server.js";
import { t } from "../texts.js";
import { write_prose } from "./prose.js";
import { format_day, own_zone } from "./visit_times.js";

/**
 * @typedef {{purpose: string, language: string, version: number, title: string, summary: string, body: string, if_refused: string}} Ask
 * @typedef {{kind: "own"|"screen"|"everybody", size_bytes: number, url: string}} CopyFile
 * @typedef {{id: string, began_at: string|null, keep_until: string|null, copy: "none"|"asked"|"ready"|"over"|"refused", copy_until: string|null, holds: string[], files: CopyFile[]}} Recorded
 * @typedef {{asks: Ask[], capacity_options: {value: string, label: string}[], recordings: Recorded[]}} After
 */

const MIB = 1024 * 1024;

export class AfterRecordings {
  #url = "";

  /** @param {HTMLElement} section @param {() => void} on_answer the consents have changed */
  constructor(section, on_answer) {
    this.section = section;
    this.on_answer = on_answer;
  }

  /** @param {string} url of this seat's page after the visit, with a slash at the end */
  async load(url) {
    this.#url = url;
    try {
      this.#draw(await get_json(url));
    } catch (error) {
      // Whose seat is gone, or who is offline, reads that elsewhere on the page; there is nothing to show here.
      if (!(error instanceof ServerError)) throw error;
    }
  }

  /** @param {After} after */
  #draw({ asks, capacity_options, recordings }) {
    show(this.section, "after_ask", asks.length > 0);
    const [ask] = asks;
    if (ask) this.#draw_ask(ask, capacity_options);
    show(this.section, "recorded", recordings.length > 0);
    const template = find(this.section, "template[data-part=recording]", HTMLTemplateElement);
    find_html(this.section, "[data-list=recordings]").replaceChildren(...recordings.map((one) => this.#line(template, one)));
  }

  /** @param {Ask} ask @param {{value: string, label: string}[]} capacity_options */
  #draw_ask(ask, capacity_options) {
    const card = find_html(this.section, "[data-part=after_ask]");
    card.lang = ask.language;
    write(card, "after_ask_title", ask.title);
    write(card, "after_ask_summary", ask.summary);
    write_prose(find_html(card, "[data-prose=after_ask_body]"), `${ask.body}\n\n${ask.if_refused}`);
    const choice = find(card, "[data-part=after_capacity_choice]", HTMLSelectElement);
    show(card, "after_capacity", capacity_options.length > 0);
    choice.replaceChildren(...capacity_options.map(({ value, label }) => new Option(label, value)));
    for (const [action, decision] of [["after_agree", "granted"], ["after_refuse", "refused"]]) {
      const button = find_button(card, `[data-action=${action}]`);
      button.onclick = () => {
        const capacity = choice.value || "self";
        void this.#post(button, "answer/", { purpose: ask.purpose, version: ask.version, decision, capacity }, "after_answered");
      };
    }
  }

  /** @param {HTMLTemplateElement} template @param {Recorded} one */
  #line(template, one) {
    const item = /** @type {HTMLElement} */ (template.content.cloneNode(true)).querySelector("li");
    if (!item) throw new Error("the page lacks a line of recordings");
    const day = (/** @type {string|null} */ at) => (at ? format_day(new Date(at), own_zone()) : "");
    write(item, "recorded_day", day(one.began_at));
    write(item, "recorded_kept", one.keep_until ? t("recorded_until", { date: day(one.keep_until) }) : t("recorded_on_hold"));
    write(item, "copy_holds", t("copy_holds", { what: one.holds.map((kind) => t(`copy_kind_${kind}`)).join(", ") }));
    write(item, "copy_state", one.copy === "none" ? "" : t(`copy_${one.copy}`, { date: day(one.copy_until) }));
    const may_ask = one.copy === "none" || one.copy === "over" || one.copy === "refused";
    show(item, "copy_ask", may_ask);
    const button = find_button(item, "[data-action=copy_ask]");
    button.onclick = () => { void this.#post(button, "copy/", { recording: one.id }, "copy_was_asked"); };
    find_html(item, "[data-list=copy_files]").replaceChildren(...one.files.map((file) => this.#file(item, file)));
    return item;
  }

  /** @param {HTMLElement} item @param {CopyFile} file */
  #file(item, file) {
    const template = find(item, "template[data-part=copy_file]", HTMLTemplateElement);
    const link = /** @type {HTMLElement} */ (template.content.cloneNode(true)).querySelector("a");
    if (!link) throw new Error("the page lacks a link to a copy");
    link.href = file.url;
    write(link, "copy_file", t("copy_download", { what: t(`copy_kind_${file.kind}`), size: Math.max(1, Math.round(file.size_bytes / MIB)) }));
    return link;
  }

  /** @param {HTMLButtonElement} button @param {string} part @param {object} data @param {string} said */
  async #post(button, part, data, said) {
    if (button.hasAttribute("aria-busy")) return;
    set_busy(button, true);
    show(this.section, "recorded_error", false);
    try {
      this.#draw(await post_json(`${this.#url}${part}`, data));
      this.on_answer();
      announce(t(said));
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
      write(this.section, "recorded_error", error.message);
      show(this.section, "recorded_error", true);
    } finally {
      set_busy(button, false);
    }
  }
}
