/**
 * In which order the people stand on the stage, and who is large. Pure, and calm: who comes is put last, who goes leaves
 * the others in order, and a change of speaker moves two tiles, never all of them.
 *
 * @typedef {"speaker"|"grid"} Layout
 * @typedef {{id: string, role: string}} StagePerson
 */

/** The people a visit is about stand first. @type {Record<string, number>} */
const FIRST = { practitioner: 0, patient: 1 };

/**
 * @param {string[]} order of ids, as returned before; [] at first
 * @param {StagePerson[]} people
 * @returns {string[]}
 */
export function keep_order(order, people) {
  const here = new Set(people.map(({ id }) => id));
  const kept = order.filter((id) => here.has(id));
  const rank = (/** @type {StagePerson} */ { role }) => FIRST[role] ?? 2;
  const fresh = people.filter(({ id }) => !kept.includes(id)).sort((a, b) => rank(a) - rank(b));
  return [...kept, ...fresh.map(({ id }) => id)];
}

/**
 * Whose picture is large: who was pinned, else a shown screen, else who speaks, else who was large, else the first.
 *
 * @param {object} now
 * @param {string[]} now.keys of the tiles, in order; "<id>" of a person, "<id> screen" of a screen
 * @param {string} now.pinned a key or ""
 * @param {string[]} now.speakers ids, the latest first; may name this person, who has no large tile
 * @param {string} now.large the key that was large, or ""
 * @returns {string} "" without tiles
 */
export function choose_large({ keys, pinned, speakers, large }) {
  if (keys.includes(pinned)) return pinned;
  const screen = keys.find((key) => key.endsWith(" screen"));
  if (screen) return screen;
  const speaker = speakers.find((id) => keys.includes(id));
  return speaker ?? (keys.includes(large) ? large : (keys[0] ?? ""));
}

/**
 * The keys as they are placed: the large one first; it swaps with whoever was large, so the strip keeps its order.
 *
 * @param {string[]} placed as returned before
 * @param {string[]} keys of the tiles, in order
 * @param {string} large
 * @returns {string[]}
 */
export function swap_to_front(placed, keys, large) {
  const kept = placed.filter((key) => keys.includes(key));
  const all = [...kept, ...keys.filter((key) => !kept.includes(key))];
  const at = all.indexOf(large);
  if (at > 0) [all[0], all[at]] = [/** @type {string} */ (all[at]), /** @type {string} */ (all[0])];
  return all;
}
