/** Honest servers that lose and double messages, and evil ones that sit between people (SEC-24). */

import assert from "node:assert/strict";
import { test } from "node:test";

import { DeviceKeys, KeyError, PeerKeys } from "../../../static/js/lib/device_keys.js";
import { KeyExchange } from "../../../static/js/lib/key_exchange.js";
import { round_name, SafetyRound } from "../../../static/js/lib/safety_words.js";

const ROOM = "room0000000000000000ab";
/** @typedef {{id: string, exchange: KeyExchange, sending: number[], opens: Map<string, Set<number>>, words: number[]|null, alarms: string[], changed: string[], page: string}} Person */

/** @param {number} seed @returns {() => number} xorshift, 0 to 1 */
function random_of(seed) {
  let state = seed * 2654435761 + 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** A relay for people, with virtual time. `lose`: share of messages; a tenth comes twice. */
class World {
  /** @type {Map<string, Person>} */
  people = new Map();
  now_ms = 0;
  /** @type {{from: string, to: string, body: any}[]} */
  queue = [];
  /** @type {string[]} */
  said = [];

  constructor({ lose = 0, seed = 1 } = {}) {
    this.lose = lose;
    this.random = random_of(seed);
  }

  /** @param {string} id @param {string} [page] */
  async join(id, page = `page-of-${id}`) {
    const device = await DeviceKeys.create(ROOM, id, page);
    const exchange = new KeyExchange(device, (to, body) => {
      this.said.push(JSON.stringify(body));
      if (this.random() >= this.lose) this.queue.push({ from: id, to, body: structuredClone(body) });
      if (this.random() < 0.1) this.queue.push({ from: id, to, body: structuredClone(body) });
    });
    /** @type {Person} */
    const person = { id, exchange, sending: [], opens: new Map(), words: null, alarms: [], changed: [], page };
    /** @param {string} type @param {(detail: any) => void} handle */
    const on = (type, handle) => exchange.addEventListener(type, (event) => handle(/** @type {CustomEvent} */ (event).detail));
    on("sending", ({ key }) => person.sending.push(key.id));
    on("receiving", ({ from, key }) => person.opens.set(from, (person.opens.get(from) ?? new Set()).add(key.id)));
    on("forget", ({ from }) => person.opens.delete(from));
    on("words", ({ indexes }) => { person.words = indexes; });
    on("alarm", ({ code }) => person.alarms.push(code));
    on("changed", ({ from }) => person.changed.push(from));
    this.people.set(id, person);
    await this.tell_members();
    return person;
  }

  /** @param {string} id */
  async leave(id) {
    this.people.delete(id);
    await this.tell_members();
  }

  async tell_members() {
    for (const person of this.people.values()) {
      const others = [...this.people.values()].filter(({ id }) => id !== person.id).map(({ id, page }) => ({ id, page }));
      await person.exchange.set_members(others, this.now_ms);
    }
  }

  /** @param {number} ms */
  async run(ms) {
    for (const end = this.now_ms + ms; this.now_ms < end; this.now_ms += 250) {
      for (const { from, to, body } of this.queue.splice(0)) await this.people.get(to)?.exchange.receive(from, body, this.now_ms);
      for (const person of this.people.values()) await person.exchange.tick(this.now_ms);
    }
  }
}

/** @param {World} world */
function assert_all_can_hear(world) {
  for (const sender of world.people.values()) {
    for (const receiver of world.people.values()) {
      if (sender === receiver) continue;
      assert.ok(receiver.opens.get(sender.id)?.has(sender.sending.at(-1) ?? -1), `${receiver.id} opens ${sender.id}`);
    }
  }
}

/** @param {World} world */
const words_of = (world) => [...world.people.values()].map(({ words }) => words?.join(" ") ?? "none");

test("eight people get each other's keys and the same words, over a relay that loses a third", async () => {
  const world = new World({ lose: 0.33, seed: 7 });
  for (const id of "abcdefgh") await world.join(id);
  await world.run(20_000);
  assert_all_can_hear(world);
  assert.equal(new Set(words_of(world)).size, 1);
  assert.equal(world.people.get("a")?.words?.length, 4);
  assert.deepEqual([...world.people.values()].flatMap(({ alarms }) => alarms), []);
});

test("it becomes quiet when everything is settled", async () => {
  const world = new World({ lose: 0.3, seed: 3 });
  for (const id of "abc") await world.join(id);
  await world.run(20_000);
  const before = world.said.length;
  await world.run(20_000);
  assert.equal(world.said.length, before);
});

test("no secret and no private key is ever said", async () => {
  const world = new World();
  for (const id of "ab") await world.join(id);
  await world.run(3000);
  const kinds = new Set(world.said.map((text) => JSON.parse(text).kind));
  assert.deepEqual([...kinds].sort(), ["card", "commit", "have", "key", "reveal"]);
  const card = JSON.parse(world.said.find((text) => text.includes('"card"')) ?? "{}").card;
  assert.deepEqual(Object.keys(card).sort(), ["agree", "page", "sign", "signature"]);
});

test("joining, leaving and withdrawing change the key in time, also when somebody never answers", async () => {
  const world = new World();
  const a = await world.join("a");
  await world.join("b");
  await world.run(2000);
  const before_join = a.sending.at(-1);
  const c = await world.join("c");
  c.exchange.receive = async () => {}; // a browser that hangs
  await world.run(2500);
  assert.notEqual(a.sending.at(-1), before_join);
  const before_leave = a.sending.at(-1);
  await world.leave("c");
  await world.run(2500);
  assert.notEqual(a.sending.at(-1), before_leave);
  const before_withdrawal = a.sending.at(-1);
  world.lose = 1;
  await a.exchange.withdraw(world.now_ms);
  await world.run(1000);
  assert.notEqual(a.sending.at(-1), before_withdrawal);
});

test("who joined late has no key of before, who left has none of after", async () => {
  const world = new World();
  const a = await world.join("a");
  const b = await world.join("b");
  await world.run(2000);
  const early = a.sending.at(-1) ?? -1;
  const c = await world.join("c");
  await world.run(4000);
  assert.equal(c.opens.get("a")?.has(early), false);
  const held_by_b = b.opens.get("a");
  await world.leave("b");
  await world.run(4000);
  assert.equal(held_by_b?.has(a.sending.at(-1) ?? -1), false);
  assert.equal(c.opens.get("a")?.has(a.sending.at(-1) ?? -1), true);
});

test("a page load is a new key, and the others are told", async () => {
  const world = new World();
  const a = await world.join("a");
  await world.join("b");
  await world.run(2000);
  await world.leave("b");
  await world.join("b", "another-page");
  await world.run(3000);
  assert.deepEqual(a.changed, ["b"]);
  assert.equal(new Set(words_of(world)).size, 1);
});

test("who is away for a moment comes back to the same words without an alarm", async () => {
  const world = new World();
  const a = await world.join("a");
  await world.join("b");
  await world.run(2000);
  const words = a.words?.join();
  await a.exchange.set_members([], world.now_ms);
  await a.exchange.set_members([{ id: "b", page: "page-of-b" }], world.now_ms);
  await world.run(4000);
  assert.equal(a.words?.join(), words);
  assert.deepEqual([...a.alarms, ...a.changed], []);
});

test("a forged card, another's box and a foreign page are refused", async () => {
  const [a, b, c] = await Promise.all(["a", "b", "c"].map((id) => DeviceKeys.create(ROOM, id, `page-of-${id}`)));
  if (!a || !b || !c) throw new Error("three keys");
  const card = { ...b.card, agree: c.card.agree };
  await assert.rejects(PeerKeys.read(card, ROOM, "b"), KeyError);
  await assert.rejects(PeerKeys.read(b.card, ROOM, "c"), KeyError);
  await assert.rejects(PeerKeys.read(b.card, "another-room", "b"), KeyError);
  const secret = crypto.getRandomValues(new Uint8Array(16));
  const box = await a.wrap(b.own, "b", 5, secret);
  assert.deepEqual(await b.unwrap(a.own, "a", 5, box), secret);
  await assert.rejects(b.unwrap(a.own, "a", 6, box), KeyError);
  await assert.rejects(b.unwrap(c.own, "a", 5, box), KeyError);
  await assert.rejects(c.unwrap(a.own, "a", 5, box), KeyError);
});

/** A server with keys of its own towards each side: two honest worlds, and it is the other person in both. */
async function man_in_the_middle() {
  const left = new World();
  const right = new World();
  const alice = await left.join("alice");
  const bob = await right.join("bob");
  // It plays bob towards alice, and alice towards bob, with the page names the real ones have.
  await left.join("bob");
  await right.join("alice");
  await left.run(3000);
  await right.run(3000);
  return { alice, bob };
}

test("an evil server that swaps keys makes the words differ, in 100 of 100 runs", async () => {
  let noticed = 0;
  for (let run = 0; run < 100; run += 1) {
    const { alice, bob } = await man_in_the_middle();
    assert.ok(alice.words && bob.words, "both see words: nothing else tells them");
    if (alice.words.join() !== bob.words.join()) noticed += 1;
  }
  assert.equal(noticed, 100);
});

/**
 * The server knows alice's words and wants bob's to begin alike. It tries `tries` nonces for the alice it plays.
 * With `commits`, it must bind itself before bob reveals: it can only guess bob's nonce while it searches.
 *
 * @param {{commits: boolean, tries: number}} rules
 */
async function grind({ commits, tries }) {
  const cards = new Map([["alice", crypto.randomUUID()], ["bob", crypto.randomUUID()]]);
  const name = await round_name(cards);
  const wanted = crypto.getRandomValues(new Uint8Array(4));
  const bob_nonce = crypto.getRandomValues(new Uint8Array(16));
  const seen = commits ? crypto.getRandomValues(new Uint8Array(16)) : bob_nonce;
  /** @param {Uint8Array} evil @param {Uint8Array} bobs */
  const words = async (evil, bobs) => {
    const bob = new SafetyRound(name, "bob", ["alice"], bobs);
    const alice = new SafetyRound(name, "alice", ["bob"], evil);
    for (const message of await bob.messages()) await alice.take("bob", message);
    for (const message of await alice.messages()) await bob.take("alice", message);
    for (const message of await bob.messages()) await alice.take("bob", message);
    for (const message of await alice.messages()) await bob.take("alice", message);
    assert.ok(bob.complete && alice.complete);
    return bob.word_indexes();
  };
  let chosen = crypto.getRandomValues(new Uint8Array(16));
  for (let attempt = 0; attempt < tries; attempt += 1) {
    const nonce = crypto.getRandomValues(new Uint8Array(16));
    if ((await words(nonce, seen))[0] === wanted[0]) {
      chosen = nonce;
      break;
    }
  }
  const got = await words(chosen, bob_nonce);
  return { first_word: got[0] === wanted[0], all_words: got.join() === [...wanted].join() };
}

test("grinding finds a word when nonces are seen first (control), and gains nothing against commitments", async () => {
  const control = await grind({ commits: false, tries: 4000 });
  assert.equal(control.first_word, true, "without commitments each word costs 256 tries, four cost 2^32: minutes");
  let first_words = 0;
  for (let run = 0; run < 100; run += 1) {
    const { first_word, all_words } = await grind({ commits: true, tries: 30 });
    assert.equal(all_words, false, "noticed");
    first_words += Number(first_word);
  }
  assert.ok(first_words <= 5, `blind luck is 1 in 256, not ${first_words} in 100`);
});

test("who reveals something else than it committed to is an alarm, not words", async () => {
  const cards = new Map([["a", "card-a"], ["b", "card-b"]]);
  const name = await round_name(cards);
  const a = new SafetyRound(name, "a", ["b"], new Uint8Array(16).fill(1));
  const b = new SafetyRound(name, "b", ["a"], new Uint8Array(16).fill(2));
  const [commit] = await b.messages();
  await a.take("b", commit);
  await a.take("b", { kind: "reveal", round: name, nonce: "AwMDAwMDAwMDAwMDAwMDAw" });
  assert.deepEqual([a.cheated, a.complete], [true, false]);
});

test("nobody reveals before everybody has committed", async () => {
  const name = await round_name(new Map([["a", "1"], ["b", "2"], ["c", "3"]]));
  const a = new SafetyRound(name, "a", ["b", "c"], new Uint8Array(16));
  await a.take("b", { kind: "commit", round: name, hash: "x" });
  assert.deepEqual((await a.messages()).map(({ kind }) => kind), ["commit"]);
  await a.take("c", { kind: "commit", round: name, hash: "y" });
  assert.deepEqual((await a.messages()).map(({ kind }) => kind), ["commit", "reveal"]);
});
