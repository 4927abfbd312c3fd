/**
 * What a person's devices do, as the others are told.
 *
 * @typedef {{mic: boolean, camera: boolean, screen: boolean, hand: boolean, hand_at_ms: number, sends: string[]}} MediaState
 *   hand_at_ms: since when, by the server's clock, so that every page has the hands in one order; 0: not up, or not said
 *   sends: the slots there is a device for, muted or not
 */

/** @param {unknown} told by another page: trusted to be nothing in particular @returns {MediaState} */
export function media_state(told) {
  const { mic, camera, screen, hand, hand_at_ms, sends } = /** @type {Record<string, unknown>} */ (typeof told === "object" && told !== null ? told : {});
  return {
    mic: mic === true,
    camera: camera === true,
    screen: screen === true,
    hand: hand === true,
    hand_at_ms: hand === true && Number.isSafeInteger(hand_at_ms) ? Math.max(0, Number(hand_at_ms)) : 0,
    sends: Array.isArray(sends) ? sends.filter((slot) => slot === "audio" || slot === "video") : [],
  };
}
