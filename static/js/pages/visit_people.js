// Everyone who belongs to the visit, with a word for where they are. Nobody is here unseen (CLIN-4).

import { Roster } from "../lib/roster.js";
import { facts_words, hands_first } from "./call_people.js";
import { find, show, write } from "./dom.js";
import { t } from "./texts.js";
import { copy_template, keep_elements } from "./visit_person.js";
import { request_words } from "./visit_waiting.js";

/**
 * @typedef {import("../call/call_client.js").CallClient} CallClient
 * @typedef {import("./visit_person.js").VisitPerson} VisitPerson
 * @typedef {{id: string, name: string, role: string, state: string}} Me
 */

/** @type {Record<string, string>} */
const TONES = { waiting: "badge--look", admitted: "badge--good", removed: "badge--bad" };

export class PeopleList {
  /** @type {Map<string, HTMLElement>} */
  #rows = new Map();
  #roster = new Roster();
  /** @type {{me: Me, people: VisitPerson[]}|null} */
  #drawn = null;

  /** @param {HTMLElement} list @param {CallClient} client */
  constructor(list, client) {
    this.list = list;
    this.client = client;
    /** @param {string} type @param {(detail: any) => void} take */
    const on = (type, take) => client.addEventListener(type, (event) => {
      take(/** @type {CustomEvent} */ (event).detail);
      if (this.#drawn) this.draw(this.#drawn.me, this.#drawn.people);
    });
    on("peer-media", ({ peer, ...media }) => this.#roster.take_media(peer, media));
    on("local-media", (media) => { if (this.#drawn) this.#roster.take_media(this.#drawn.me.id, media); });
    on("heartbeat", ({ peer, state }) => this.#roster.take_pulse(peer, state));
    on("peer-quality", ({ peer, word }) => this.#roster.take_quality(peer, word));
  }

  /** @param {Me} me @param {VisitPerson[]} people */
  draw(me, people) {
    this.#drawn = { me, people };
    this.#roster.keep([me.id, ...people.filter(({ state }) => state === "admitted").map(({ id }) => id)]);
    const everyone = hands_first([{ ...me, present: true }, ...people], this.#roster.hands);
    keep_elements(this.list, this.#rows, everyone.map(({ id }) => id), (id) => this.#create(id, id !== me.id));
    for (const person of everyone) {
      const row = /** @type {HTMLElement} */ (this.#rows.get(person.id));
      write(row, "name", person.name);
      const about = [t(`call_role_${person.role}`)];
      if (person.id === me.id) about.push(t("visit_person_you"));
      else if (!person.present && ["waiting", "admitted"].includes(person.state)) about.push(t("visit_person_away"));
      write(row, "about", about.join(" · "));
      write(row, "facts", person.state === "admitted" ? facts_words(this.#roster.of(person.id)).join(" · ") : "");
      write(row, "state", t(`visit_person_${person.state}`));
      const badge = row.querySelector(".badge");
      if (badge) badge.className = `badge ${TONES[person.state] ?? ""}`;
      show(row, "remove", person.id !== me.id && ["preparing", "waiting", "admitted"].includes(person.state));
    }
  }

  /** @param {string} id @param {boolean} removable */
  #create(id, removable) {
    const row = copy_template("person");
    if (!removable) return row;
    const menu = find(row, "details", HTMLDetailsElement);
    for (const button of menu.querySelectorAll("[data-reason]")) {
      button.addEventListener("click", () => { void this.#remove(row, menu, id, /** @type {HTMLElement} */ (button).dataset.reason ?? "other"); });
    }
    return row;
  }

  /** @param {HTMLElement} row @param {HTMLDetailsElement} menu @param {string} participant @param {string} reason */
  async #remove(row, menu, participant, reason) {
    menu.open = false;
    show(row, "remove_error", false);
    try {
      await this.client.request("remove", { participant, reason });
    } catch (error) {
      show(row, "remove_error", true);
      write(row, "remove_error", request_words(error));
    }
  }
}
