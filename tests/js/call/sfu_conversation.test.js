import assert from "node:assert/strict";
import { test } from "node:test";
import { SfuConversation } from "../../../static/js/call/sfu_conversation.js";
import { Roster } from "../../../static/js/lib/roster.js";

/** @import { ChatMessage } from "../../../static/js/lib/chat_log.js" */

const MEDIA = { mic: true, camera: true, screen: false, hand: false, hand_at_ms: 0, sends: ["audio", "video"] };

/** A room whose server passes on what is said; each person has a log and a diary. */
class Room {
  /** @type {Map<string, {talk: SfuConversation, log: ChatMessage[], heard: string[], up: boolean}>} */
  people = new Map();

  /** @param {string} me @param {ChatMessage[]} [log] */
  join(me, log = []) {
    const talk = new SfuConversation({ me, media: MEDIA, say: (to, body) => this.pass(me, to, body) });
    const person = { talk, log: [...log], heard: /** @type {string[]} */ ([]), up: true };
    talk.addEventListener("peer-media", (event) => person.heard.push(`media ${/** @type {CustomEvent} */ (event).detail.peer}`));
    talk.addEventListener("chat", (event) => {
      const { peer, message } = /** @type {CustomEvent} */ (event).detail;
      person.heard.push(`chat ${peer}`);
      person.log.push({ ...message, from: peer });
    });
    talk.addEventListener("history", (event) => {
      const { peer, messages } = /** @type {CustomEvent} */ (event).detail;
      person.heard.push(`history ${peer} ${messages.map((/** @type {ChatMessage} */ { id }) => id).join("")}`);
    });
    talk.addEventListener("open", (event) => talk.send_history(person.log, /** @type {CustomEvent} */ (event).detail.peer));
    this.people.set(me, person);
    this.tell();
    return person;
  }

  tell() {
    const people = [...this.people.keys()].map((id) => ({ id, page: `page of ${id}`, present: true }));
    for (const { talk } of this.people.values()) talk.set_people(people);
  }

  /** @param {string} from @param {string|null} to @param {any} body */
  pass(from, to, body) {
    if (!this.people.get(from)?.up && this.people.has(from)) return false;
    const message = structuredClone(body);
    for (const [id, { talk, up }] of this.people) if (up && id !== from && (to === null || to === id)) talk.receive(from, message);
    return true;
  }
}

/** @param {string} id @param {string} from */
const line = (id, from) => ({ id, from, at_ms: Number(id), text: "x" });

test("a newcomer, also somebody who loaded the page anew, has the raised hands in the order in which they went up", () => {
  const room = new Room();
  for (const [id, hand_at_ms] of /** @type {[string, number][]} */ ([["anna", 3000], ["ben", 1000], ["dora", 2000]])) {
    room.join(id).talk.set_media({ ...MEDIA, hand: true, hand_at_ms });
  }
  const newcomer = room.join("cleo").talk;
  const roster = new Roster();
  // Whom it hears of first is as it comes.
  for (const id of ["dora", "anna", "ben"]) roster.take_media(id, /** @type {any} */ (newcomer.media_of(id)));
  assert.deepEqual(roster.hands, ["ben", "dora", "anna"]);
});

test("a newcomer hears of everybody's devices, and the chat from those who wrote it", () => {
  const room = new Room();
  room.join("anna", [line("1", "anna"), line("2", "ben"), line("3", "gone")]);
  room.join("ben", [line("1", "anna"), line("2", "ben"), line("3", "gone")]);
  const { heard, talk } = room.join("cleo");
  assert.deepEqual(heard, ["media anna", "history anna 13", "media ben", "history ben 2"]);
  assert.deepEqual(talk.media_of("anna"), MEDIA);
  assert.equal(talk.media_of("nobody"), null);
});

test("who was away says what was missed and gets what they missed", () => {
  const room = new Room();
  const anna = room.join("anna");
  const ben = room.join("ben");
  ben.up = false;
  assert.equal(anna.talk.send_chat(line("1", "anna")), true);
  anna.log.push(line("1", "anna"));
  assert.equal(ben.talk.send_chat(line("2", "ben")), false);
  ben.log.push(line("2", "ben"));
  ben.heard.length = 0;
  anna.heard.length = 0;
  ben.up = true;
  ben.talk.resume();
  assert.deepEqual(ben.heard, ["media anna", "history anna 1"]);
  assert.deepEqual(anna.heard, ["media ben", "history ben 2"]);
});

test("a flood of questions is answered once", () => {
  const room = new Room();
  room.join("anna", [line("1", "anna")]);
  const ben = room.join("ben");
  ben.heard.length = 0;
  for (let times = 0; times < 50; times += 1) room.pass("ben", "anna", { kind: "history", messages: [] });
  assert.deepEqual(ben.heard, ["media anna", "history anna 1"]);
});

test("a history cannot put words into the mouth of somebody who is there", () => {
  const room = new Room();
  room.join("anna");
  room.join("ben");
  const cleo = room.join("cleo");
  cleo.heard.length = 0;
  room.pass("ben", "cleo", { kind: "history", messages: [line("7", "anna"), line("8", "ben")] });
  room.pass("ben", "cleo", { kind: "history", messages: [line("9", "anna")] });
  for (const nonsense of [null, 1, {}, { kind: "history" }, { kind: "history", messages: "x" }, { kind: "song" }]) room.pass("ben", "cleo", nonsense);
  assert.deepEqual(cleo.heard, ["history ben 8"]);
});
