/**
 * Who hands which messages to whom, when the chat of several people lives only in their pages. Everybody gives what
 * they wrote themselves; one, the first of those who can, also gives what was written by people who are gone and by
 * the newcomer before a reload. So nobody needs to be believed about what a third person wrote who is there.
 *
 * @import { ChatMessage } from "./chat_log.js"
 */

/** A page of history per message: SCTP messages beyond 16 KiB are not safe between browsers. */
const HISTORY_PAGE_BYTES = 12_000;
/** The server relays no more in one. */
const HISTORY_PAGE_MESSAGES = 100;

/**
 * @param {ChatMessage[]} messages
 * @param {{me: string, peer: string, people: string[]}} who people: everybody who is there, with or without `me`
 * @returns {ChatMessage[]} what this page gives to `peer`
 */
export function messages_for(messages, { me, peer, people }) {
  const givers = [...new Set([...people, me])].filter((id) => id !== peer).sort();
  const gives_for_absent = givers[0] === me;
  return messages.filter(({ from }) => from === me || (gives_for_absent && !givers.includes(from)));
}

/**
 * @param {unknown[]} candidates what `sender` gave
 * @param {{me: string, sender: string, people: string[]}} who
 * @returns {unknown[]} those `sender` may give: its own, and of people who cannot give them themselves
 */
export function believable(candidates, { me, sender, people }) {
  const others = people.filter((id) => id !== me && id !== sender);
  return candidates.filter((candidate) => {
    if (typeof candidate !== "object" || candidate === null) return false;
    return !others.includes(/** @type {any} */ (candidate).from);
  });
}

/**
 * @param {ChatMessage[]} messages
 * @returns {ChatMessage[][]} in order, each page small enough for one message
 */
export function history_pages(messages) {
  /** @type {ChatMessage[][]} */
  const pages = [];
  let size = Infinity;
  for (const message of messages) {
    if (size >= HISTORY_PAGE_BYTES || pages.at(-1)?.length === HISTORY_PAGE_MESSAGES) {
      pages.push([]);
      size = 0;
    }
    pages.at(-1)?.push(message);
    size += 4 * message.text.length + 200;
  }
  return pages;
}
