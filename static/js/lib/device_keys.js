/**
 * The keys of one page in one visit: made when it loads, never stored, never taken out of the browser.
 *
 * A card says "this page of this participant has these keys". Nobody vouches for a card but the people themselves,
 * who compare words made from all cards (safety_words.js). ECDSA and ECDH over P-256, because every browser has them.
 *
 * @typedef {{page: string, sign: string, agree: string, signature: string}} Card public keys and signature, base64url
 * @typedef {{room: string, from: string, from_page: string, to: string, to_page: string, key_id: number}} Wrapping
 */

import { from_base64url, to_base64url } from "./base64url.js";
import { concat } from "./sframe.js";

const ECDSA = { name: "ECDSA", namedCurve: "P-256" };
const ECDH = { name: "ECDH", namedCurve: "P-256" };
const SIGNING = { name: "ECDSA", hash: "SHA-256" };
/** Uncompressed points (SEC 1 §2.3.3). */
const POINT_BYTES = 65;
const IV_BYTES = 12;

export class KeyError extends Error {}

/** @param {...(string|number)} fields none of which holds a line break */
const lines = (...fields) => new TextEncoder().encode(fields.join("\n"));

/** @param {string} room @param {string} participant @param {{page: string, sign: string, agree: string}} card */
const card_text = (room, participant, { page, sign, agree }) => lines("telemed card 1", room, participant, page, sign, agree);

/** @param {Wrapping} wrapping */
const wrapping_text = ({ room, from, from_page, to, to_page, key_id }) =>
  lines("telemed key 1", room, from, from_page, to, to_page, key_id);

/** @param {Uint8Array<ArrayBuffer>} bytes */
export async function sha256(bytes) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

/** @param {unknown} text @param {EcKeyImportParams} algorithm @param {KeyUsage[]} usages */
async function import_point(text, algorithm, usages) {
  const bytes = from_base64url(text);
  if (bytes?.length !== POINT_BYTES) throw new KeyError("not a public key");
  try {
    return await crypto.subtle.importKey("raw", bytes, algorithm, true, usages);
  } catch {
    throw new KeyError("not a point of the curve");
  }
}

/** @param {CryptoKey} key */
const export_point = async (key) => to_base64url(new Uint8Array(await crypto.subtle.exportKey("raw", key)));

/** Another page's keys, checked. */
export class PeerKeys {
  /** @param {Card} card @param {CryptoKey} sign @param {CryptoKey} agree */
  constructor(card, sign, agree) {
    this.card = card;
    this.sign = sign;
    this.agree = agree;
  }

  /**
   * @param {unknown} card
   * @param {string} room
   * @param {string} participant
   * @throws {KeyError} for anything but a card that its own keys signed for this room and participant
   */
  static async read(card, room, participant) {
    const { page, sign, agree, signature } = /** @type {Record<string, unknown>} */ (card ?? {});
    if (typeof page !== "string" || !/^[A-Za-z0-9_-]{8,36}$/.test(page)) throw new KeyError("not a card");
    const [signing, agreeing] = await Promise.all([import_point(sign, ECDSA, ["verify"]), import_point(agree, ECDH, [])]);
    const checked = /** @type {Card} */ ({ page, sign, agree, signature });
    const peer = new PeerKeys(checked, signing, agreeing);
    if (!(await peer.verify(card_text(room, participant, checked), signature))) throw new KeyError("the card is forged");
    return peer;
  }

  /** @param {Uint8Array<ArrayBuffer>} text @param {unknown} signature */
  async verify(text, signature) {
    const bytes = from_base64url(signature);
    return bytes !== null && crypto.subtle.verify(SIGNING, this.sign, bytes, text);
  }

  /** @param {string} participant @returns {Promise<string>} stands for the keys in the words people compare */
  async digest(participant) {
    return to_base64url(await sha256(lines("telemed keys 1", participant, this.card.page, this.card.sign, this.card.agree)));
  }
}

export class DeviceKeys {
  #sign;
  #agree;

  /** @param {CryptoKeyPair} sign @param {CryptoKeyPair} agree @param {string} room @param {string} participant @param {Card} card */
  constructor(sign, agree, room, participant, card) {
    this.#sign = sign;
    this.#agree = agree;
    this.room = room;
    this.participant = participant;
    this.card = card;
  }

  /** @param {string} room @param {string} participant @param {string} page */
  static async create(room, participant, page) {
    const [signing, agreeing] = await Promise.all([
      crypto.subtle.generateKey(ECDSA, false, ["sign", "verify"]),
      crypto.subtle.generateKey(ECDH, false, ["deriveBits"]),
    ]);
    const keys = { page, sign: await export_point(signing.publicKey), agree: await export_point(agreeing.publicKey) };
    const signature = await crypto.subtle.sign(SIGNING, signing.privateKey, card_text(room, participant, keys));
    const card = { ...keys, signature: to_base64url(new Uint8Array(signature)) };
    return new DeviceKeys(signing, agreeing, room, participant, card);
  }

  get page() {
    return this.card.page;
  }

  /** @returns {PeerKeys} the public half, as others see it */
  get own() {
    return new PeerKeys(this.card, this.#sign.publicKey, this.#agree.publicKey);
  }

  /** @param {string} label @param {...string} fields @returns {Promise<string>} */
  async sign(label, ...fields) {
    return to_base64url(new Uint8Array(await crypto.subtle.sign(SIGNING, this.#sign.privateKey, lines(label, ...fields))));
  }

  /** @param {PeerKeys} peer @returns {Promise<CryptoKey>} the same for both, and for nobody else */
  async #shared_key(peer) {
    const bits = await crypto.subtle.deriveBits({ name: "ECDH", public: peer.agree }, this.#agree.privateKey, 256);
    const secret = await crypto.subtle.importKey("raw", bits, "HKDF", false, ["deriveKey"]);
    const hkdf = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info: lines("telemed wrap 1", this.room) };
    return crypto.subtle.deriveKey(hkdf, secret, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  }

  /**
   * @param {PeerKeys} peer
   * @param {string} to
   * @param {number} key_id
   * @param {Uint8Array<ArrayBuffer>} secret
   * @returns {Promise<string>} for this page of this participant only
   */
  async wrap(peer, to, key_id, secret) {
    const wrapping = { room: this.room, from: this.participant, from_page: this.page, to, to_page: peer.card.page, key_id };
    const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
    const parameters = { name: "AES-GCM", iv, additionalData: wrapping_text(wrapping) };
    return to_base64url(concat(iv, new Uint8Array(await crypto.subtle.encrypt(parameters, await this.#shared_key(peer), secret))));
  }

  /**
   * @param {PeerKeys} peer
   * @param {string} from
   * @param {number} key_id
   * @param {unknown} box
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   * @throws {KeyError} for anything but what this page of that participant wrapped for this one
   */
  async unwrap(peer, from, key_id, box) {
    const bytes = from_base64url(box);
    if (!bytes || bytes.length <= IV_BYTES) throw new KeyError("not a wrapped key");
    const wrapping = { room: this.room, from, from_page: peer.card.page, to: this.participant, to_page: this.page, key_id };
    const parameters = { name: "AES-GCM", iv: bytes.slice(0, IV_BYTES), additionalData: wrapping_text(wrapping) };
    try {
      const secret = await crypto.subtle.decrypt(parameters, await this.#shared_key(peer), bytes.slice(IV_BYTES));
      return new Uint8Array(secret);
    } catch {
      throw new KeyError("not wrapped by this peer for this page");
    }
  }
}

/**
 * @param {PeerKeys} peer
 * @param {string} signature
 * @param {string} label
 * @param {...string} fields
 */
export function verify_signed(peer, signature, label, ...fields) {
  return peer.verify(lines(label, ...fields), signature);
}
