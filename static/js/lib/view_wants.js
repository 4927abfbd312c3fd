/**
 * What a page wants to see of the others: the media server sends each picture no larger than it is shown.
 *
 * @typedef {{participant: string, source: "camera"|"screen", height: number, pinned: boolean}} Want
 *   height: of the tile in device pixels; 0: not shown, send no picture
 */

export const MAX_WANTS = 16;
/** Until the page says how large it shows people. */
const UNTOLD_HEIGHT = { camera: 360, screen: 720 };

/**
 * The wants in the order the server gets them: one per picture, the pinned and the large first, never too many.
 *
 * @param {Want[]} view
 * @returns {Want[]}
 */
export function tidy_wants(view) {
  /** @type {Map<string, Want>} */
  const by_picture = new Map();
  for (const { participant, source, height, pinned } of view) {
    by_picture.set(`${participant} ${source}`, { participant, source, height: Math.max(0, Math.round(height)), pinned: pinned === true });
  }
  const largest_first = (/** @type {Want} */ a, /** @type {Want} */ b) => Number(b.pinned) - Number(a.pinned) || b.height - a.height;
  return [...by_picture.values()].sort(largest_first).slice(0, MAX_WANTS);
}

/** @param {Iterable<string>} peers @returns {Want[]} a middling picture of everybody */
export function untold_wants(peers) {
  const sources = /** @type {const} */ (["camera", "screen"]);
  return tidy_wants([...peers].flatMap((participant) =>
    sources.map((source) => ({ participant, source, height: UNTOLD_HEIGHT[source], pinned: false }))));
}
