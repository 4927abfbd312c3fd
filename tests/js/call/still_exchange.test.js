// One picture between two pages, over a way that forgets.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { StillExchange } from "../../../static/js/call/still_exchange.js";

/** @type {StillExchange[]} */
const open = [];
afterEach(() => { for (const one of open.splice(0)) one.close(); });

/** What CallClient offers of it, and where it arrives. */
class Client extends EventTarget {
  still_part_bytes = 1000;
  /** @type {Client|null} */
  other = null;
  /** @type {any[]} */
  sent = [];

  /** @param {string} me @param {(message: any) => boolean} loses */
  constructor(me, loses) {
    super();
    this.me = me;
    this.loses = loses;
  }

  /** @param {string} peer @param {any} message */
  async send_still(peer, message) {
    this.sent.push(message);
    await null;
    if (peer === this.other?.me && !this.loses(message)) this.other.dispatchEvent(new CustomEvent("still", { detail: { from: this.me, message } }));
    return true;
  }
}

/** @param {(message: any) => boolean} [loses] @param {(id: string) => boolean} [may_ask] */
function two(loses = () => false, may_ask = (id) => id === "doctor") {
  const [doctor, patient] = [new Client("doctor", loses), new Client("patient", loses)];
  [doctor.other, patient.other] = [patient, doctor];
  const asker = new StillExchange(/** @type {any} */ (doctor), () => false);
  const asked = new StillExchange(/** @type {any} */ (patient), may_ask);
  open.push(asker, asked);
  /** @type {{type: string, detail: any}[]} */
  const told = [];
  for (const [who, exchange] of /** @type {const} */ ([["asker", asker], ["asked", asked]])) {
    for (const type of ["asked", "withdrawn", "sent", "seen", "refused", "picture", "failed"]) {
      exchange.addEventListener(type, (event) => told.push({ type: `${who} ${type}`, detail: /** @type {CustomEvent} */ (event).detail }));
    }
  }
  return { doctor, patient, asker, asked, told };
}

const settle = () => new Promise((done) => setImmediate(() => setImmediate(done)));
const CONTENT = Uint8Array.from({ length: 20_500 }, (_, at) => at % 251);
const STILL = { blob: new Blob([CONTENT], { type: "image/jpeg" }), width: 40, height: 30 };
/** @param {{type: string}[]} told */
const words = (told) => told.map(({ type }) => type);

test("only who may ask is heard, and a no ends it", async () => {
  const { asker, asked, told, patient } = two();
  asker.ask("patient");
  await settle();
  assert.deepEqual(words(told), ["asked asked", "asker seen"]);
  asked.refuse("no");
  await settle();
  assert.deepEqual(told.at(-1), { type: "asker refused", detail: { why: "no" } });
  const nobody = two(undefined, () => false);
  nobody.asker.ask("patient");
  await settle();
  assert.deepEqual(nobody.told, []);
  assert.deepEqual(nobody.patient.sent, []);
  assert.ok(patient.sent.length > 0);
});

test("the picture that arrives is the one that was sent, and each side is told once", async () => {
  const { asker, asked, told } = two();
  asker.ask("patient");
  await settle();
  await asked.send(STILL);
  while (!words(told).includes("asked sent")) await settle();
  assert.deepEqual(words(told), ["asked asked", "asker seen", "asker picture", "asked sent"]);
  const { blob, width } = /** @type {any} */ (told.find(({ type }) => type === "asker picture")).detail;
  assert.deepEqual([new Uint8Array(await blob.arrayBuffer()), width], [CONTENT, 40]);
});

test("whatever is lost comes again: the question, the answer, parts, and the thanks", async () => {
  /** @type {Map<string, number>} */
  const lost = new Map();
  // The first two of every step vanish, and every third part on its first way.
  const { asker, asked, told } = two(({ step, n }) => {
    const name = step === "part" ? `part ${n % 3 === 0 ? n : "kept"}` : step;
    const limit = step === "part" ? (n % 3 === 0 ? 1 : 0) : 2;
    lost.set(name, (lost.get(name) ?? 0) + 1);
    return (lost.get(name) ?? 0) <= limit;
  });
  asker.ask("patient");
  const until = async (/** @type {string} */ type) => {
    // By the clock: a digest is made in another thread, which a busy machine lets wait for any number of rounds.
    const end_ms = performance.now() + 5000;
    while (!words(told).includes(type)) {
      assert.ok(performance.now() < end_ms, `${type} never came: ${words(told).join()}`);
      for (const one of [asker, asked]) one.tick(performance.now() + 3000);
      await new Promise((done) => setTimeout(done, 1));
    }
  };
  await until("asked asked");
  await until("asker seen");
  await asked.send(STILL);
  await until("asker picture");
  const { blob } = /** @type {any} */ (told.find(({ type }) => type === "asker picture")).detail;
  assert.deepEqual(new Uint8Array(await blob.arrayBuffer()), CONTENT);
});

test("a picture that was changed on its way is shown to nobody", async () => {
  const { asker, asked, told, patient } = two();
  const { send_still } = patient;
  patient.send_still = function send(peer, message) {
    return send_still.call(patient, peer, message.step === "part" && message.n === 3 ? { ...message, data: `AAAA${message.data.slice(4)}` } : message);
  };
  asker.ask("patient");
  await settle();
  await asked.send(STILL);
  while (!words(told).includes("asker failed")) await settle();
  assert.ok(!words(told).includes("asker picture"));
});

test("the asker may stop, and a page that says nothing any more is given up", async () => {
  const stopped = two();
  stopped.asker.ask("patient");
  await settle();
  stopped.asker.cancel();
  await settle();
  assert.equal(stopped.told.at(-1)?.type, "asked withdrawn");
  const silent = two(({ step }) => step === "seen");
  silent.asker.ask("patient");
  silent.asker.tick(performance.now() + 46_000);
  assert.equal(silent.told.at(-1)?.type, "asker failed");
});
