/**
 * Who may open whose frames: cards, sender keys and the words to compare of one page in one visit.
 *
 *   members change ─▶ new epoch: a fresh key, wrapped for each member ─ all have it, or 2 s ─▶ used for sending
 *                └──▶ new round of words
 *
 * Messages travel over signaling, which loses and doubles them and may be evil: everything is repeated until it is
 * answered, and nothing a message says is believed without the keys of the card it came with. Time is passed in.
 *
 * Events (CustomEvents): "sending" ({key: FrameKey, reason}), "receiving" ({from, key, data_key}), "forget" ({from}),
 * "talking" ({data_key}: seal words with it from now on; whoever has no such key yet is about to get it),
 * "words" ({indexes: number[]|null}), "changed" ({from}: this person's device has another key than before),
 * "alarm" ({from, code}).
 *
 * @import { FrameKey } from "./sframe.js"
 * @typedef {{id: string, page: string, server?: boolean}} Member server: a recorder. It gets keys and sends nothing, takes no part
 *   in the words, and when it goes, somebody took a consent back
 * @typedef {"first"|"join"|"leave"|"withdrawal"} EpochReason
 */

import { derive_data_key } from "./data_keys.js";
import { KeyError, PeerKeys, verify_signed } from "./device_keys.js";
import { round_name, SafetyRound } from "./safety_words.js";
import { derive_key, SFrameError } from "./sframe.js";

export const REPEAT_MS = 1000;
/** In use at the latest this long after join or leave (3 s are promised) and after a withdrawal (1 s). */
export const ACTIVATE_MS = { first: 0, join: 2000, leave: 2000, withdrawal: 700 };
const KEY_BYTES = 16;

/** Five bytes: random enough that two keys of a visit never share one, short enough for every audio frame. */
function new_key_id() {
  const bytes = crypto.getRandomValues(new Uint8Array(5));
  return bytes.reduce((sum, byte) => sum * 256 + byte, 0) || 1;
}

/** What this page knows of another one. */
class Peer {
  /** @type {PeerKeys|null} */
  keys = null;
  digest = "";
  /** The newest key of ours that it confirmed. */
  confirmed_key_id = -1;
  has_our_card = false;

  /** @param {string} page */
  constructor(page, server = false) {
    this.page = page;
    this.server = server;
  }
}

export class KeyExchange extends EventTarget {
  #device;
  #send;
  /** @type {Map<string, Peer>} */
  #peers = new Map();
  /** Digests of everybody's last card, also of those who left: to say that a key changed. @type {Map<string, string>} */
  #known = new Map();
  /** @type {{key: FrameKey, secret: Uint8Array<ArrayBuffer>, reason: EpochReason, use_at_ms: number}|null} */
  #coming = null;
  /** @type {{key: FrameKey, secret: Uint8Array<ArrayBuffer>}|null} */
  #current = null;
  /** @type {SafetyRound|null} */
  #round = null;
  /** The same cards are the same round: who came back must find the commitments that stand. @type {Map<string, SafetyRound>} */
  #rounds = new Map();
  #round_told = "";
  #repeat_at_ms = -Infinity;
  /** One input after the other: each may wait for the browser's cryptography. */
  #queue = Promise.resolve();

  /**
   * @param {import("./device_keys.js").DeviceKeys} device
   * @param {(to: string, body: Record<string, unknown>) => void} send
   */
  constructor(device, send) {
    super();
    this.#device = device;
    this.#send = send;
  }

  /** @param {Member[]} members the others who are in the visit now @param {number} now_ms */
  set_members(members, now_ms) {
    return this.#enqueue(() => this.#change_members(members, now_ms));
  }

  /** @param {string} from @param {any} body unchecked @param {number} now_ms */
  receive(from, body, now_ms) {
    return this.#enqueue(() => this.#take(from, body, now_ms));
  }

  /** @param {number} now_ms */
  tick(now_ms) {
    return this.#enqueue(() => this.#tick(now_ms));
  }

  /** Somebody took a consent back: whoever held a key because of it must not open the next second. @param {number} now_ms */
  withdraw(now_ms) {
    return this.#enqueue(() => this.#start_epoch("withdrawal", now_ms));
  }

  /** Resolves when everything that was said to this object so far is done. @returns {Promise<void>} */
  settled() {
    return this.#queue;
  }

  /** @param {string} label @param {...string} fields */
  sign(label, ...fields) {
    return this.#device.sign(label, ...fields);
  }

  /**
   * @param {string} from
   * @param {string} signature
   * @param {string} label
   * @param {...string} fields
   * @returns {Promise<boolean|null>} null while the keys of that person's page are not known
   */
  async verify(from, signature, label, ...fields) {
    const keys = this.#peers.get(from)?.keys;
    return keys ? verify_signed(keys, signature, label, ...fields) : null;
  }

  /** @param {() => Promise<void>} work @returns {Promise<void>} */
  #enqueue(work) {
    this.#queue = this.#queue.then(work).catch((error) => this.#emit("alarm", { from: "", code: String(error?.message ?? error) }));
    return this.#queue;
  }

  /** @param {Member[]} members @param {number} now_ms */
  async #change_members(members, now_ms) {
    const pages = new Map(members.map(({ id, page }) => [id, page]));
    const servers = new Set(members.filter(({ server }) => server).map(({ id }) => id));
    const gone = [...this.#peers].filter(([id, peer]) => pages.get(id) !== peer.page).map(([id]) => id);
    const people_gone = gone.some((id) => !this.#peers.get(id)?.server);
    const taken_back = gone.some((id) => this.#peers.get(id)?.server);
    for (const id of gone) {
      this.#peers.delete(id);
      this.#emit("forget", { from: id });
    }
    const come = [...pages].filter(([id]) => !this.#peers.has(id));
    for (const [id, page] of come) this.#peers.set(id, new Peer(page, servers.has(id)));
    if (!this.#current) await this.#start_epoch("first", now_ms);
    else if (gone.length > 0) await this.#start_epoch(taken_back ? "withdrawal" : "leave", now_ms);
    else if (come.length > 0) await this.#start_epoch("join", now_ms);
    for (const [id] of come) this.#send_card(id);
    const people_changed = people_gone || come.some(([id]) => !servers.has(id));
    if (people_changed) await this.#renew_round();
  }

  /** @param {EpochReason} reason @param {number} now_ms */
  async #start_epoch(reason, now_ms) {
    const secret = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
    const key = await derive_key(secret, new_key_id());
    // A sooner promise made for an epoch that this one replaces still holds.
    const use_at_ms = Math.min(now_ms + ACTIVATE_MS[reason], this.#coming?.use_at_ms ?? Infinity);
    this.#coming = { key, secret, reason, use_at_ms };
    this.#emit("talking", { data_key: await derive_data_key(secret, key.id) });
    for (const id of this.#peers.keys()) await this.#send_key(id);
    this.#use_when_due(now_ms);
  }

  /** @param {number} now_ms */
  #use_when_due(now_ms) {
    const coming = this.#coming;
    if (!coming) return;
    const all_have_it = [...this.#peers.values()].every(({ confirmed_key_id }) => confirmed_key_id === coming.key.id);
    if (!all_have_it && now_ms < coming.use_at_ms) return;
    this.#current = coming;
    this.#coming = null;
    this.#emit("sending", { key: coming.key, reason: coming.reason });
  }

  /** @param {string} to @param {Record<string, unknown>} body */
  #post(to, body) {
    this.#send(to, { ...body, from_page: this.#device.page, to_page: this.#peers.get(to)?.page });
  }

  /** @param {string} to */
  #send_card(to) {
    const wants_yours = !this.#peers.get(to)?.keys;
    this.#send(to, { kind: "card", card: this.#device.card, wants_yours });
  }

  /** @param {string} to */
  async #send_key(to) {
    const newest = this.#coming ?? this.#current;
    const peer = this.#peers.get(to);
    if (!newest || !peer?.keys || peer.confirmed_key_id === newest.key.id) return;
    const box = await this.#device.wrap(peer.keys, to, newest.key.id, newest.secret);
    this.#post(to, { kind: "key", key_id: newest.key.id, box });
  }

  /** @param {string} from @param {any} body @param {number} now_ms */
  async #take(from, body, now_ms) {
    const peer = this.#peers.get(from);
    if (!peer || typeof body !== "object" || body === null) return;
    // Of or for a page that was loaded anew meanwhile: late, and no attack.
    const current = body.from_page === peer.page && body.to_page === this.#device.page;
    if (body.kind !== "card" && !current) return;
    try {
      if (body.kind === "card") await this.#take_card(from, peer, body);
      else if (body.kind === "key") await this.#take_key(from, peer, body);
      else if (body.kind === "have") {
        if (typeof body.key_id === "number") peer.confirmed_key_id = body.key_id;
        this.#use_when_due(now_ms);
      } else if (body.kind === "commit" || body.kind === "reveal") await this.#take_round(from, body);
    } catch (error) {
      if (!(error instanceof KeyError || error instanceof SFrameError)) throw error;
      this.#emit("alarm", { from, code: error.message });
    }
  }

  /** @param {string} from @param {Peer} peer @param {any} body */
  async #take_card(from, peer, body) {
    if (body.wants_yours === true) this.#send_card(from);
    if (body.card?.page !== peer.page) return; // of a page that is gone, or not yet told to us
    const keys = await PeerKeys.read(body.card, this.#device.room, from);
    const digest = await keys.digest(from);
    if (digest === peer.digest) return;
    if (peer.keys) throw new KeyError("a page cannot have two keys");
    peer.keys = keys;
    peer.digest = digest;
    const known = this.#known.get(from);
    this.#known.set(from, digest);
    if (!peer.server && known !== undefined && known !== digest) this.#emit("changed", { from });
    await this.#send_key(from);
    if (!peer.server) await this.#renew_round();
  }

  /** @param {string} from @param {Peer} peer @param {any} body */
  async #take_key(from, peer, body) {
    if (peer.server) return; // it has nothing to say in this visit
    if (!peer.keys) {
      this.#send_card(from);
      return;
    }
    if (!Number.isSafeInteger(body.key_id) || body.key_id < 0) throw new KeyError("not a key id");
    const secret = await this.#device.unwrap(peer.keys, from, body.key_id, body.box);
    const [key, data_key] = await Promise.all([derive_key(secret, body.key_id), derive_data_key(secret, body.key_id)]);
    this.#emit("receiving", { from, key, data_key });
    this.#post(from, { kind: "have", key_id: body.key_id });
  }

  async #renew_round() {
    this.#round = null;
    this.#tell_words("", null);
    const people = [...this.#peers].filter(([, { server }]) => !server);
    if (people.some(([, { digest }]) => digest === "")) return;
    const cards = new Map(people.map(([id, { digest }]) => [id, digest]));
    const others = [...cards.keys()];
    cards.set(this.#device.participant, await this.#device.own.digest(this.#device.participant));
    const name = await round_name(cards);
    const nonce = crypto.getRandomValues(new Uint8Array(16));
    this.#round = this.#rounds.get(name) ?? new SafetyRound(name, this.#device.participant, others, nonce);
    this.#rounds.set(name, this.#round);
    await this.#say_round();
    await this.#settle_round(this.#round);
  }

  async #say_round() {
    for (const message of (await this.#round?.messages()) ?? []) {
      for (const id of this.#round?.others ?? []) this.#post(id, message);
    }
  }

  /** @param {string} from @param {any} body */
  async #take_round(from, body) {
    const round = this.#round;
    if (!round || body.round !== round.name) return;
    const before = { may_reveal: round.may_reveal, complete: round.complete };
    await round.take(from, body);
    if (round.cheated) {
      this.#tell_words(round.name, null);
      throw new KeyError("the words were tampered with");
    }
    if (round.may_reveal && !before.may_reveal) await this.#say_round();
    // They still ask though we are done: an answer of ours was lost.
    else if (before.complete && body.answer !== true) {
      for (const message of await round.messages()) this.#post(from, { ...message, answer: true });
    }
    await this.#settle_round(round);
  }

  /** @param {SafetyRound} round */
  async #settle_round(round) {
    if (round.complete) this.#tell_words(round.name, await round.word_indexes());
  }

  /** @param {string} round @param {number[]|null} indexes */
  #tell_words(round, indexes) {
    const told = `${round} ${indexes?.join(" ") ?? ""}`;
    if (told === this.#round_told) return;
    this.#round_told = told;
    this.#emit("words", { indexes });
  }

  /** @param {number} now_ms */
  async #tick(now_ms) {
    this.#use_when_due(now_ms);
    if (now_ms - this.#repeat_at_ms < REPEAT_MS) return;
    this.#repeat_at_ms = now_ms;
    for (const [id, peer] of this.#peers) {
      if (!peer.keys) this.#send_card(id);
      else await this.#send_key(id);
    }
    if (this.#round && !this.#round.complete) await this.#say_round();
  }

  /** @param {string} type @param {unknown} detail */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
