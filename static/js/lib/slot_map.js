/**
 * Who is in which receive slot of a connection to the media server.
 *
 * @import { Slot } from "./sfu_lines.js"
 * @typedef {{mid: string, participant: string, source: string}} Mapping participant "": the slot is free
 * @typedef {{peer: string, slot: Slot, mid: string|null}} SlotChange mid null: nothing is received of it any more
 */

import { slot_of_source } from "./sfu_lines.js";

export class SlotMap {
  /** @type {Map<string, {peer: string, slot: Slot}>} by mid */
  #by_mid = new Map();

  /**
   * Takes the server's word; slots it does not name stay as they are.
   *
   * @param {unknown} slots Mapping[]
   * @returns {SlotChange[]} what is gone first, so that no track is shown for two people
   */
  apply(slots) {
    const before = this.#by_peer();
    for (const { mid, participant, source } of Array.isArray(slots) ? slots : []) {
      const slot = slot_of_source(source);
      if (typeof participant === "string" && participant !== "" && slot) this.#by_mid.set(mid, { peer: participant, slot });
      else this.#by_mid.delete(mid);
    }
    return changes(before, this.#by_peer());
  }

  /** @returns {SlotChange[]} everything that is mapped now */
  get entries() {
    return changes(new Map(), this.#by_peer());
  }

  /** @param {string} peer @returns {Partial<Record<Slot, string>>} mids by slot */
  mids_of(peer) {
    return Object.fromEntries([...this.#by_mid].filter(([, place]) => place.peer === peer).map(([mid, { slot }]) => [slot, mid]));
  }

  /** @returns {[mid: string, peer: string][]} */
  get owners() {
    return [...this.#by_mid].map(([mid, { peer }]) => [mid, peer]);
  }

  /** @returns {Set<string>} */
  get peers() {
    return new Set([...this.#by_mid.values()].map(({ peer }) => peer));
  }

  /**
   * What changes when this map takes the place of another one, of an older connection.
   *
   * @param {SlotMap} older
   */
  changes_from(older) {
    // The same mid of another connection is another track.
    const gone = changes(older.#by_peer(), this.#by_peer()).filter(({ mid }) => mid === null);
    return [...gone, ...this.entries];
  }

  /** @returns {Map<string, SlotChange>} */
  #by_peer() {
    /** @type {Map<string, SlotChange>} */
    const places = new Map();
    for (const [mid, { peer, slot }] of this.#by_mid) places.set(`${peer} ${slot}`, { peer, slot, mid });
    return places;
  }
}

/** @param {Map<string, SlotChange>} before @param {Map<string, SlotChange>} after @returns {SlotChange[]} */
function changes(before, after) {
  const gone = [...before].filter(([key]) => !after.has(key)).map(([, place]) => ({ ...place, mid: null }));
  const come = [...after].filter(([key, place]) => before.get(key)?.mid !== place.mid).map(([, place]) => place);
  return [...gone, ...come];
}
