/**
 * When a recorder gets this page's key: while the server shows one, and this page has seen the yes of everybody who is
 * inside, its own person's first. The server's word alone is not enough.
 *
 * @import { Member } from "./key_exchange.js"
 */

/** @param {any} snapshot @returns {Member|null} */
export function recorder_of({ room, me, participants }) {
  const recorder = room.recorder;
  if (!recorder || me.state !== "admitted" || me.consents?.recording !== "granted") return null;
  const inside = participants.filter((/** @type {any} */ { id, state }) => id !== me.id && state === "admitted");
  const all = inside.length > 0 && inside.every((/** @type {any} */ { consents }) => consents?.recording === "granted");
  return all ? { id: recorder.id, page: recorder.page, server: true } : null;
}
