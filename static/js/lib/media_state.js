/**
 * What a person's devices do, as the others are told.
 *
 * @typedef {{mic: boolean, camera: boolean, screen: boolean, hand: boolean, sends: string[]}} MediaState
 *   sends: the slots there is a device for, muted or not
 */

/** @param {unknown} told by another page: trusted to be nothing in particular @returns {MediaState} */
export function media_state(told) {
  const { mic, camera, screen, hand, sends } = /** @type {Record<string, unknown>} */ (typeof told === "object" && told !== null ? told : {});
  return {
    mic: mic === true,
    camera: camera === true,
    screen: screen === true,
    hand: hand === true,
    sends: Array.isArray(sends) ? sends.filter((slot) => slot === "audio" || slot === "video") : [],
  };
}
