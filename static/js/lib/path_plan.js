/**
 * Which media path a snapshot asks for.
 *
 * @import { Peer, Snapshot } from "./protocol.js"
 *
 * @typedef {object} Plan
 * @property {string} engine
 * @property {string} key another key needs another path
 * @property {Peer|null} peer the one person of a path between browsers, null when a server serves everybody
 * @property {string} peer_page
 */

/**
 * @param {Snapshot} snapshot
 * @param {string} peer_id whom the path of now connects, "" for nobody in particular
 * @returns {Plan|"keep"|null} keep: leave what there is, null: no path
 */
export function plan_path({ room, join, participants }, peer_id) {
  if (!join || room.state === "ended") return null;
  // One path to the server serves everybody, whoever comes and goes, and stands while one is alone.
  if (join.engine === "sfu") return { engine: "sfu", key: `sfu ${join.room_size}`, peer: null, peer_page: "" };
  const peer = join.peers[0];
  if (!peer) return null;
  const person = participants.find(({ id }) => id === peer.id);
  // A peer that is away keeps its path: it may be only the way to the server that broke.
  if (!person?.page) return peer.id === peer_id ? "keep" : null;
  return { engine: join.engine, key: `${join.engine} ${peer.id} ${person.page} ${peer.polite}`, peer, peer_page: person.page };
}
