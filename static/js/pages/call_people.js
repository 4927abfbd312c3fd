// Who is here, for everybody: name, role and state of each, nobody left out (CLIN-4). The practitioner's own list stands in
// the drawer (visit_people.js) and says the same about each.

import { find, find_button, find_html, focus_on, write } from "./dom.js";
import { t } from "./texts.js";

/**
 * @typedef {import("../lib/roster.js").PersonFacts} PersonFacts
 * @typedef {{id: string, name: string, role: string}} Named
 */

/** What is to be told of a person besides name and role, in words. @param {PersonFacts} facts @returns {string[]} */
export function facts_words(facts) {
  if (facts.lost) return [t("call_peer_interrupted")];
  const words = [];
  if (facts.hand > 0) words.push(t("call_hand_place", { place: facts.hand }));
  if (!facts.mic) words.push(t("call_peer_muted"));
  if (!facts.camera) words.push(t("call_fact_no_camera"));
  if (facts.screen) words.push(t("call_fact_screen"));
  if (facts.word === "fair" || facts.word === "poor") words.push(t(`call_fact_${facts.word}`));
  return words;
}

/** Raised hands first, in the order in which they went up; the others keep their order. @template {{id: string}} T @param {T[]} people @param {readonly string[]} hands @returns {T[]} */
export function hands_first(people, hands) {
  const place = (/** @type {T} */ { id }) => (hands.includes(id) ? hands.indexOf(id) : hands.length);
  return [...people].sort((a, b) => place(a) - place(b));
}

/** Fires "change" when it opens or closes. */
export class PeoplePanel extends EventTarget {
  /** @type {Map<string, HTMLElement>} */
  #rows = new Map();

  /** @param {HTMLElement} root */
  constructor(root) {
    super();
    this.panel = find_html(root, "[data-part=people_panel]");
    this.list = find_html(this.panel, "ul");
    this.template = find(this.panel, "template", HTMLTemplateElement);
    find_button(this.panel, "[data-action=close_people]").onclick = () => this.hide();
    this.panel.onkeydown = (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.hide();
    };
    this.list.replaceChildren();
  }

  get is_open() { return !this.panel.hidden; }

  toggle() {
    if (this.is_open) return this.hide();
    this.panel.hidden = false;
    focus_on(find_html(this.panel, "h2"));
    return void this.dispatchEvent(new Event("change"));
  }

  hide() {
    if (!this.is_open) return;
    this.panel.hidden = true;
    this.dispatchEvent(new Event("change"));
  }

  /** @param {Named} me @param {Named[]} others @param {(id: string) => PersonFacts} facts_of @param {readonly string[]} hands */
  draw(me, others, facts_of, hands) {
    const everyone = hands_first([me, ...others], hands);
    for (const [id, row] of this.#rows) {
      if (everyone.some((person) => person.id === id)) continue;
      row.remove();
      this.#rows.delete(id);
    }
    for (const [index, person] of everyone.entries()) {
      const row = this.#row(person.id);
      if (this.list.children[index] !== row) this.list.insertBefore(row, this.list.children[index] ?? null);
      const facts = facts_of(person.id);
      write(row, "name", person.id === me.id ? t("call_name_you", { name: person.name }) : person.name);
      write(row, "role", t(`call_role_${person.role}`));
      write(row, "facts", facts_words(facts).join(" · "));
      row.dataset.speaking = String(facts.speaking);
      row.dataset.hand = String(facts.hand > 0);
      row.dataset.lost = String(facts.lost);
    }
    write(this.panel, "people_count", String(everyone.length));
  }

  /** @param {string} id */
  #row(id) {
    const known = this.#rows.get(id);
    if (known) return known;
    const row = find_html(/** @type {DocumentFragment} */ (this.template.content.cloneNode(true)), "li");
    this.#rows.set(id, row);
    return row;
  }
}
