// What the practitioner knows of one person, as rows of label and value: on the waiting card and in the drawer.

import { find, find_html, show, write } from "./dom.js";
import { has_text, page_language, t } from "./texts.js";

/**
 * @typedef {{location: string, callback_number: string, emergency_name: string, emergency_phone: string, confirmed_at: string|null}} Details
 * @typedef {Record<string, any>} DeviceCheck
 * @typedef {{id: string, role: string, name: string, state: string, present: boolean, kind: string, language: string, birth_date: string|null,
 *   waiting_since: string|null, device_check: DeviceCheck, identity_outcome: string, relay_only: boolean, details: Details|null,
 *   asking_devices: {id: string, label: string, since: string}[]}} VisitPerson
 * @typedef {{label: string, value: string, phone?: string}} Row
 */

/** @param {string} iso_date a calendar date without a zone */
function format_date(iso_date) {
  return new Intl.DateTimeFormat(page_language(), { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" }).format(new Date(iso_date));
}

/**
 * What the device check found, only what is not fine.
 * @param {DeviceCheck} check
 */
export function device_words(check) {
  if (!check || Object.keys(check).length === 0) return t("visit_check_none");
  const keys = ["camera", "microphone", "speaker", "network"].map((part) => `visit_check_${part}_${check[part]}`);
  const found = keys.filter(has_text).map((key) => t(key)).join(", ");
  return found ? found.charAt(0).toLocaleUpperCase() + found.slice(1) : t("visit_check_fine");
}

/**
 * @param {VisitPerson} person
 * @param {string} emergency_number of the practice's region
 * @returns {Row[]}
 */
export function person_rows(person, emergency_number) {
  const { details } = person;
  const given = (/** @type {string|undefined} */ value) => value || t("visit_not_given");
  /** @type {Row[]} */
  const rows = [];
  if (person.birth_date) rows.push({ label: t("visit_born"), value: format_date(person.birth_date) });
  if (details) {
    rows.push(
      { label: t("visit_location"), value: given(details.location) },
      { label: t("visit_callback"), value: details.callback_number ? "" : given(""), phone: details.callback_number },
      { label: t("visit_emergency_contact"), value: given(details.emergency_name), phone: details.emergency_phone },
    );
  }
  // Help is sent to where the patient is; whoever comes for their work is at work.
  if (details || person.role === "patient") rows.push({ label: t("visit_emergency_number"), value: "", phone: emergency_number });
  rows.push({ label: t("visit_devices"), value: device_words(person.device_check) });
  if (person.relay_only) rows.push({ label: t("visit_relay_only"), value: t("visit_relay_only_yes") });
  if (person.identity_outcome) rows.push({ label: t("visit_identity"), value: t(`visit_identity_${person.identity_outcome}`) });
  return rows;
}

/** Draws rows into a <dl>, and leaves it alone when nothing changed: a screen reader keeps its place. @param {HTMLElement} list @param {Row[]} rows */
export function draw_rows(list, rows) {
  const drawn = JSON.stringify(rows);
  if (list.dataset.drawn === drawn) return;
  list.dataset.drawn = drawn;
  list.replaceChildren(...rows.map(({ label, value, phone }) => {
    const item = find_html(/** @type {DocumentFragment} */ (template("fact").content.cloneNode(true)), "div");
    write(item, "label", label);
    write(item, "value", phone && value ? `${value} ` : value);
    if (phone) {
      show(item, "call", true);
      const link = find(item, "a", HTMLAnchorElement);
      link.textContent = phone;
      link.href = `tel:${phone.replace(/[^+\d]/g, "")}`;
    }
    return item;
  }));
}

/** @param {string} name */
export function template(name) {
  return find(document, `template[data-part=${name}]`, HTMLTemplateElement);
}

/** A copy of a template's only element. @param {string} name @returns {HTMLElement} */
export function copy_template(name) {
  const copy = /** @type {DocumentFragment} */ (template(name).content.cloneNode(true)).firstElementChild;
  if (!(copy instanceof HTMLElement)) throw new Error(`the template ${name} is empty`);
  return copy;
}

/**
 * Makes the children of `list` match `wanted`, one element per key; elements that stay are kept, with their focus.
 *
 * @param {HTMLElement} list
 * @param {Map<string, HTMLElement>} drawn is brought up to date
 * @param {string[]} wanted keys in order
 * @param {(key: string) => HTMLElement} create
 */
export function keep_elements(list, drawn, wanted, create) {
  for (const [key, element] of drawn) {
    if (wanted.includes(key)) continue;
    element.remove();
    drawn.delete(key);
  }
  for (const [index, key] of wanted.entries()) {
    let element = drawn.get(key);
    if (!element) {
      element = create(key);
      drawn.set(key, element);
    }
    if (list.children[index] !== element) list.insertBefore(element, list.children[index] ?? null);
  }
}

/**
 * Shows in the drawer where everybody is and whom to call. The page keeps them when the call or the network drops (CLIN-1).
 *
 * @param {HTMLElement} drawer
 * @param {VisitPerson[]} people
 * @param {string} emergency_number
 */
export function draw_patient_panel(drawer, people, emergency_number) {
  // Who waits stands on a card above, with the same rows.
  const waits = people.some(({ state }) => state === "waiting");
  const known = people.filter(({ details, state }) => details !== null && state !== "waiting");
  show(drawer, "no_facts", known.length === 0 && !waits);
  show(drawer, "facts_above", known.length === 0 && waits);
  const panel = find_html(drawer, "[data-part=facts]");
  for (const section of panel.querySelectorAll("[data-person]")) {
    if (section instanceof HTMLElement && !known.some(({ id }) => id === section.dataset.person)) section.remove();
  }
  for (const person of known) {
    let section = panel.querySelector(`[data-person="${CSS.escape(person.id)}"]`);
    if (!(section instanceof HTMLElement)) {
      section = copy_template("person_facts");
      /** @type {HTMLElement} */ (section).dataset.person = person.id;
      panel.append(section);
    }
    write(section, "name", person.name);
    draw_rows(find_html(section, "[data-part=rows]"), person_rows(person, emergency_number));
  }
}
