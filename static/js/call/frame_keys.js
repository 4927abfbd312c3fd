/**
 * The keys of this page in this visit: follows who is in it, lets KeyExchange agree on keys over signaling, hands them to
 * the worker that seals and opens frames, and keeps what people should know about it.
 *
 *   snapshot ─▶ members ─▶ KeyExchange ⇄ say {kind: "keys"}          worker: sending, receiving, forget_sender
 *                              └─ data keys ─▶ SealedTalk ⇄ say {kind: "sealed"}
 *
 * `mode`: "undecided" before anybody else is here · "required" · "off": somebody was let in whose browser cannot encrypt,
 * and this page came after that · "latched": the same, but this page promised encryption before and keeps it, so it must
 * be loaded again · "unsupported": this browser itself cannot.
 *
 * Events (CustomEvents): "change" (null: mode, words, or an alarm), "changed" ({peer}: other device keys than before),
 * "said" ({from, body}), "missing" ({from}).
 *
 * @import { FrameKey } from "../lib/sframe.js"
 * @import { Member } from "../lib/key_exchange.js"
 * @import { Message, Snapshot } from "../lib/protocol.js"
 * @import { FrameTransforms } from "./frame_transforms.js"
 * @typedef {"undecided"|"required"|"off"|"latched"|"unsupported"} Mode
 */

import { DeviceKeys } from "../lib/device_keys.js";
import { KeyExchange } from "../lib/key_exchange.js";
import { say } from "../lib/protocol.js";
import { recorder_of } from "../lib/recorder_member.js";
import { KeyMail } from "./key_mail.js";
import { SealedTalk } from "./sealed_talk.js";

/** Longer words are parts of a picture; the server counts them apart. */
const MAX_SEALED_CHARS = 24_000;

export class FrameKeys extends EventTarget {
  /** @type {Mode} */
  mode = "undecided";
  /** Four indexes for word_lists.safety_words, null while they are not agreed on. @type {number[]|null} */
  words = null;
  /** What proves that somebody sits between people; it stays until the page is loaded again. @type {{from: string, code: string}|null} */
  alarm = null;
  #transforms;
  #can_encrypt;
  #send;
  #mail;
  #page = "";
  #room = "";
  #me = "";
  /** @type {Promise<KeyExchange|null>} */
  #exchange = Promise.resolve(null);
  /** @type {SealedTalk|null} */
  #talk = null;
  /** The last page of each member: who is away for a moment stays one. @type {Map<string, string>} */
  #pages = new Map();
  /** @type {Map<string, Set<(body: any) => void>>} */
  #fingerprints = new Map();
  /** Words leave in the order in which they were said. */
  #speaking = Promise.resolve();

  /** @param {{transforms: FrameTransforms, can_encrypt: boolean, send: (message: Message) => boolean}} options send: false when the socket is down */
  constructor({ transforms, can_encrypt, send }) {
    super();
    this.#transforms = transforms;
    this.#can_encrypt = can_encrypt;
    this.#send = send;
    this.#mail = new KeyMail((to, keys) => { send(say(to, { kind: "keys", keys })); });
    transforms.addEventListener("beat", () => this.#tick(performance.now()));
  }

  /** True while words and pictures of this page are sealed, or must not leave it. */
  get seals() {
    return this.mode !== "off";
  }

  /** @param {Snapshot} snapshot @param {string} page */
  follow(snapshot, page) {
    const { room, me, participants } = snapshot;
    const others = me.state === "admitted" ? participants.filter(({ id, state }) => id !== me.id && state === "admitted") : [];
    this.#decide(room.frame_encryption !== "off", others.length > 0);
    if (!this.#can_encrypt || this.mode === "off") return;
    if (page !== this.#page) this.#begin(String(room.code), me.id, page);
    this.#follow_members(others, recorder_of(snapshot));
  }

  /** @param {string} from written by the server @param {any} body of `said`: keys or sealed @returns {boolean} whether it is ours */
  receive(from, body) {
    if (body?.kind === "keys") {
      for (const item of Array.isArray(body.keys?.items) ? body.keys.items : []) this.#take(from, item);
      return true;
    }
    if (body?.kind === "sealed" || body?.kind === "part") {
      void this.#talk?.receive(from, body.data, performance.now());
      return true;
    }
    // Clear words where everybody seals were not said by a person of this visit.
    return this.seals;
  }

  /** @param {string|null} to @param {import("../lib/protocol.js").Saying} body @returns {boolean} false: it does not leave now */
  say(to, body) {
    if (!this.seals) return this.#send(say(to, body));
    const talk = this.#talk;
    if (!this.#can_encrypt || !talk) return false;
    // Who has just come must be able to read it: first their coming makes another key.
    this.#speaking = this.#speaking.then(async () => {
      await (await this.#exchange)?.settled();
      talk.say(to, body);
    });
    return true;
  }

  /** @param {string} label @param {...string} fields @returns {Promise<string|null>} null before there are keys */
  async sign(label, ...fields) {
    return (await this.#exchange)?.sign(label, ...fields) ?? null;
  }

  /** @param {string} from @param {string} signature @param {string} label @param {...string} fields @returns {Promise<boolean|null>} null: not known yet */
  async verify(from, signature, label, ...fields) {
    return (await this.#exchange)?.verify(from, signature, label, ...fields) ?? null;
  }

  /** @param {string} to @param {Record<string, unknown>} item */
  post(to, item) {
    this.#mail.post(to, item);
  }

  /** What `peer` says of its connection's fingerprint. @param {string} peer @param {(body: any) => void} take @returns {() => void} stops it */
  on_fingerprint(peer, take) {
    const takers = this.#fingerprints.get(peer) ?? new Set();
    this.#fingerprints.set(peer, takers.add(take));
    return () => takers.delete(take);
  }

  /** @param {string} from @param {string} code */
  raise_alarm(from, code) {
    this.alarm ??= { from, code };
    this.#emit("change", null);
  }

  /** @param {boolean} required by the server @param {boolean} together somebody else is here */
  #decide(required, together) {
    const before = this.mode;
    const promised = before === "required" || before === "latched";
    if (!required && !promised) this.mode = "off";
    else if (!this.#can_encrypt) this.mode = "unsupported";
    else if (!required) this.mode = "latched";
    else this.mode = together || promised || before === "off" ? "required" : "undecided";
    if (this.mode === before) return;
    if (this.mode === "off") this.#go_clear();
    if (this.mode === "required") this.#transforms.require();
    this.#emit("change", null);
  }

  #go_clear() {
    this.#transforms.allow_clear();
    this.#page = "";
    this.#exchange = Promise.resolve(null);
    this.#pages.clear();
    this.words = null;
  }

  /** Another page of this person, to everybody else: everything is agreed on anew. @param {string} room @param {string} me @param {string} page */
  #begin(room, me, page) {
    [this.#room, this.#me, this.#page] = [room, me, page];
    const talk = this.#listen_to_talk(new SealedTalk(room, me, (to, data) => { this.#send(say(to, { kind: data.length > MAX_SEALED_CHARS ? "part" : "sealed", data })); }));
    this.#talk = talk;
    this.#exchange = DeviceKeys.create(room, me, page).then((device) => {
      const exchange = new KeyExchange(device, (to, item) => this.#mail.post(to, item));
      this.#listen_to_exchange(exchange, talk, page);
      return exchange;
    });
  }

  /** @param {import("../lib/protocol.js").Participant[]} others @param {Member|null} recorder */
  #follow_members(others, recorder) {
    const here = new Set(others.map(({ id }) => id));
    for (const id of this.#pages.keys()) {
      if (here.has(id)) continue;
      this.#pages.delete(id);
      this.#transforms.forget_sender(id);
      this.#talk?.forget(id);
    }
    for (const { id, page } of others) if (page) this.#pages.set(id, page);
    /** @type {Member[]} */
    const members = [...this.#pages].map(([id, page]) => ({ id, page }));
    if (recorder) members.push(recorder);
    void this.#exchange.then((exchange) => exchange?.set_members(members, performance.now()));
  }

  /** @param {string} from @param {any} item */
  #take(from, item) {
    if (item?.kind === "fingerprint") for (const take of this.#fingerprints.get(from) ?? []) take(item);
    else void this.#exchange.then((exchange) => exchange?.receive(from, item, performance.now()));
  }

  /** @param {number} now_ms */
  #tick(now_ms) {
    void this.#exchange.then((exchange) => exchange?.tick(now_ms));
    this.#talk?.tick(now_ms);
  }

  /** @param {KeyExchange} exchange @param {SealedTalk} talk @param {string} page */
  #listen_to_exchange(exchange, talk, page) {
    /** @param {string} type @param {(detail: any) => void} handle */
    const on = (type, handle) => exchange.addEventListener(type, (event) => {
      if (this.#page === page) handle(/** @type {CustomEvent} */ (event).detail);
    });
    on("talking", ({ data_key }) => talk.seal_with(data_key));
    on("sending", ({ key, reason }) => this.#transforms.send_with(key, reason === "join"));
    on("receiving", ({ from, key, data_key }) => {
      this.#transforms.receive_with(from, key);
      talk.open_with(from, data_key);
    });
    on("forget", ({ from }) => {
      this.#transforms.forget_sender(from);
      talk.forget(from);
    });
    on("words", ({ indexes }) => {
      this.words = indexes;
      this.#emit("change", null);
    });
    on("changed", ({ from }) => this.#emit("changed", { peer: from }));
    on("alarm", ({ from, code }) => this.raise_alarm(from, code));
  }

  /** @param {SealedTalk} talk */
  #listen_to_talk(talk) {
    for (const type of ["said", "missing"]) {
      talk.addEventListener(type, (event) => {
        if (talk === this.#talk) this.#emit(type, /** @type {CustomEvent} */ (event).detail);
      });
    }
    return talk;
  }

  /** @param {string} type @param {unknown} detail */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
