// Two pages of one visit without a browser: the real SignalingSocket and PeerSignaling exchange what a call's set-up and
// one ICE restart exchange. argv: JSON [{a: {id, url}, b: {id, url}}]; prints one JSON line per call.

import { SignalingSocket } from "../../static/js/call/signaling_socket.js";
import { PeerSignaling } from "../../static/js/call/peer_signaling.js";
import { stream_id } from "../../static/js/lib/protocol.js";

// A page hears from its window that the network is back; here it never goes.
globalThis.addEventListener ??= () => {};
globalThis.removeEventListener ??= () => {};

const CANDIDATES = 8;
const TICK_MS = 100;
const LIMIT_MS = 60_000;
const AT_ONCE = 10;

const candidate = (side, number) => ({
  kind: "candidate",
  candidate: { candidate: `candidate:${side}${number} 1 udp 1 192.0.2.1 5000 typ host`, sdpMid: "0", sdpMLineIndex: 0, usernameFragment: side },
});
const description = (type, round) => ({ kind: "description", type, sdp: `v=0\r\ns=${type}${round}\r\n` });

/** What a side must have received in the end, in this order. */
const expected = (side, type) =>
  [0, 1].flatMap((round) => [description(type, round), ...Array.from({ length: CANDIDATES }, (_, n) => candidate(side, round * CANDIDATES + n))]);

class Side {
  received = [];

  constructor({ id, url }, page_id) {
    Object.assign(this, { id, page_id });
    this.socket = new SignalingSocket({ ws_url: url, page_id });
    this.socket.addEventListener("closed", ({ detail }) => { this.closed = detail.code; });
    for (const type of ["signal", "ack"]) this.socket.addEventListener(type, ({ detail }) => this.peer?.receive(detail));
    this.socket.addEventListener("up", () => this.peer?.resume(performance.now()));
  }

  meet(other, deliver) {
    this.peer = new PeerSignaling({
      peer_id: other.id,
      stream_out: stream_id(this.page_id, other.page_id),
      stream_in: stream_id(other.page_id, this.page_id),
      send: (message) => this.socket.send(message),
      deliver: (body) => { this.received.push(body); deliver(body); },
    });
  }

  say(type, round, name) {
    const now = performance.now();
    this.peer.push(description(type, round), now);
    for (let n = 0; n < CANDIDATES; n += 1) this.peer.push(candidate(name, round * CANDIDATES + n), now);
  }
}

async function until(condition, limit_ms) {
  const started = performance.now();
  while (!condition()) {
    if (performance.now() - started > limit_ms) return false;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return true;
}

async function call({ a, b }) {
  const [first, second] = [new Side(a, crypto.randomUUID()), new Side(b, crypto.randomUUID())];
  // The answer follows the offer, the restart follows the answer: each waits for what the other said.
  first.meet(second, (body) => { if (body.type === "answer" && body.sdp.includes("answer0")) first.say("offer", 1, "a"); });
  second.meet(first, (body) => { if (body.type === "offer") second.say("answer", Number(body.sdp.includes("offer1")), "b"); });
  for (const side of [first, second]) side.socket.open();
  await until(() => first.socket.is_up && second.socket.is_up, LIMIT_MS);
  const started = performance.now();
  first.say("offer", 0, "a");
  const ticking = setInterval(() => { for (const side of [first, second]) side.peer.flush(performance.now()); }, TICK_MS);
  const wanted = [expected("b", "answer"), expected("a", "offer")];
  await until(() => [first, second].every((side, index) => side.received.length >= wanted[index].length), LIMIT_MS);
  const took_ms = performance.now() - started;
  await new Promise((resolve) => setTimeout(resolve, 300)); // doubles that were held back
  clearInterval(ticking);
  const same = [first, second].every((side, index) => JSON.stringify(side.received) === JSON.stringify(wanted[index]));
  const result = { ok: same, took_ms, received: [first.received.length, second.received.length], closed: [first.closed, second.closed] };
  for (const side of [first, second]) side.socket.close();
  console.log(JSON.stringify(result));
}

const calls = JSON.parse(process.argv[2]);
const worker = async () => { while (calls.length) await call(calls.pop()); };
await Promise.all(Array.from({ length: AT_ONCE }, worker));
process.exit(0);
