/**
 * The media sections of an offer to the media server, in their fixed order: what this page sends, then the slots it
 * receives in. The server maps people into the slots and says who is where, so nothing is ever negotiated again.
 *
 * @typedef {"microphone"|"camera"|"screen"} Source
 * @typedef {"audio"|"video"|"screen"} Slot
 * @typedef {"audio"|"video"} Kind
 * @typedef {{source: Source, slot: Slot, kind: Kind}} SendLine
 */

/** @type {readonly SendLine[]} */
export const SEND_LINES = [
  { source: "microphone", slot: "audio", kind: "audio" },
  { source: "camera", slot: "video", kind: "video" },
  { source: "screen", slot: "screen", kind: "video" },
];

const SLOT_OF_SOURCE = new Map(SEND_LINES.map(({ source, slot }) => [/** @type {string} */ (source), slot]));

/**
 * The receive slots of a room for so many people: a voice for each of the others; a picture for each of them and one
 * shared screen.
 *
 * @param {number} room_size
 * @returns {Kind[]}
 */
export function receive_kinds(room_size) {
  /** @type {Kind[]} */
  const kinds = [];
  for (let others = 1; others < room_size; others += 1) kinds.push("audio");
  for (let pictures = 0; pictures < room_size; pictures += 1) kinds.push("video");
  return kinds;
}

/** @param {string} source @returns {Slot|null} null for a source that a newer server may know */
export function slot_of_source(source) {
  return SLOT_OF_SOURCE.get(source) ?? null;
}
