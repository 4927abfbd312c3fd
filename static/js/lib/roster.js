/**
 * What is known of everybody in the visit besides their name: what they send, whether they are reachable, how well, who
 * speaks, whose hand is up. Pure; each change returns what a listener would want to be told.
 *
 * @typedef {{mic: boolean, camera: boolean, screen: boolean, hand: boolean}} PeerMedia
 * @typedef {{key: string, id: string}} Said the key of a text with {name}
 * @typedef {object} PersonFacts
 * @property {boolean} mic
 * @property {boolean} camera
 * @property {boolean} screen
 * @property {number} hand place among the raised hands, from 1; 0: not raised
 * @property {boolean} lost the connection of this person is interrupted
 * @property {boolean} speaking
 * @property {"good"|"fair"|"poor"|""} word quality of the connection of this person; "" before it was measured
 * @property {number|null} height of the picture that comes now; 0: none, null: not measured
 */

const WORDS = ["good", "fair", "poor"];
/** Later than any time. */
const UNKNOWN_MS = Number.MAX_SAFE_INTEGER;

export class Roster {
  /** @type {Map<string, PeerMedia>} */
  #media = new Map();
  /** @type {Set<string>} */
  #lost = new Set();
  /** @type {Map<string, {word: "good"|"fair"|"poor", height: number|null}>} */
  #quality = new Map();
  /** Since when each hand is up. @type {Map<string, number>} */
  #hands = new Map();
  /** @type {string[]} */
  #speakers = [];
  /** @type {Set<string>} */
  #speaking = new Set();

  /** Ids, whoever spoke last first. */
  get speakers() { return this.#speakers; }
  /** Ids in the order in which the hands were raised, also before this page came; whose page does not say when stands last. */
  get hands() {
    return [...this.#hands].sort(([a, a_ms], [b, b_ms]) => (a_ms === b_ms ? Number(a > b) - Number(a < b) : a_ms - b_ms)).map(([id]) => id);
  }

  /** @param {string} id @returns {PersonFacts} */
  of(id) {
    const media = this.#media.get(id) ?? { mic: true, camera: true, screen: false };
    return {
      mic: media.mic,
      camera: media.camera,
      screen: media.screen,
      hand: this.hands.indexOf(id) + 1,
      lost: this.#lost.has(id),
      speaking: this.#speaking.has(id) && media.mic && !this.#lost.has(id),
      word: this.#quality.get(id)?.word ?? "",
      height: this.#quality.get(id)?.height ?? null,
    };
  }

  /** Forgets everybody who is not here. @param {string[]} ids */
  keep(ids) {
    const here = new Set(ids);
    for (const known of [this.#media, this.#quality, this.#hands]) for (const id of known.keys()) if (!here.has(id)) known.delete(id);
    for (const known of [this.#lost, this.#speaking]) for (const id of known) if (!here.has(id)) known.delete(id);
    this.#speakers = this.#speakers.filter((id) => here.has(id));
  }

  /**
   * @param {string} id
   * @param {{mic: boolean, camera: boolean, screen: boolean, hand?: boolean, hand_at_ms?: number}} media
   * @returns {Said[]} nothing about what somebody brought along, only about what changed
   */
  take_media(id, { mic, camera, screen, hand = false, hand_at_ms = 0 }) {
    const before = this.#media.get(id);
    const raised = this.#hands.has(id);
    this.#media.set(id, { mic, camera, screen, hand });
    if (hand) this.#hands.set(id, hand_at_ms || UNKNOWN_MS);
    else this.#hands.delete(id);
    /** @type {string[]} */
    const keys = [];
    if (before && before.mic !== mic) keys.push(mic ? "call_said_unmuted" : "call_said_muted");
    if (before && before.camera !== camera) keys.push(camera ? "call_said_camera_on" : "call_said_camera_off");
    if (screen !== (before?.screen ?? false)) keys.push(screen ? "call_said_sharing" : "call_said_sharing_ended");
    if (hand !== raised) keys.push(hand ? "call_said_hand_up" : "call_said_hand_down");
    return keys.map((key) => ({ key, id }));
  }

  /** @param {string} id @param {string} state "alive" or "lost" @returns {Said[]} */
  take_pulse(id, state) {
    const lost = state === "lost";
    if (lost === this.#lost.has(id)) return [];
    if (lost) this.#lost.add(id);
    else this.#lost.delete(id);
    return [{ key: lost ? "call_said_interrupted" : "call_said_reconnected", id }];
  }

  /** @param {string} id @param {string} word @param {number|null} [height] */
  take_quality(id, word, height = null) {
    if (WORDS.includes(word)) this.#quality.set(id, { word: /** @type {"good"|"fair"|"poor"} */ (word), height });
  }

  /** @param {{order: string[], speaking: Iterable<string>}} speakers order: whoever spoke last first */
  take_speakers({ order, speaking }) {
    this.#speakers = [...order];
    this.#speaking = new Set(speaking);
  }
}
