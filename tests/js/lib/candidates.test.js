import assert from "node:assert/strict";
import { test } from "node:test";
import {
  candidate_type, complete_candidate, complete_candidates, hide_addresses, hide_candidate, ice_ufrag,
} from "../../../static/js/lib/candidates.js";

const HOST = "candidate:1 1 udp 2122260223 192.168.1.7 50000 typ host generation 0 ufrag abcd";
const MDNS = "candidate:1 1 udp 2122260223 3e1f0a52-1c1b-4c4f-9d7e-3b0f4c1a2b3c.local 50000 typ host";
const SRFLX = "candidate:2 1 udp 1686052607 203.0.113.9 50000 typ srflx raddr 192.168.1.7 rport 50000 generation 0";
const PRFLX = "candidate:3 1 udp 1686052607 203.0.113.9 50001 typ prflx raddr 192.168.1.7 rport 50000";
const RELAY = "candidate:4 1 udp 41885439 198.51.100.2 60000 typ relay raddr 203.0.113.9 rport 50000 generation 0";
const SHOWN = "candidate:4 1 udp 41885439 198.51.100.2 60000 typ relay generation 0";

const SDP = [
  "v=0", "o=- 4611 2 IN IP4 192.168.1.7", "s=-", "t=0 0",
  "m=audio 50000 UDP/TLS/RTP/SAVPF 111", "c=IN IP4 203.0.113.9", "a=rtcp:50000 IN IP4 203.0.113.9",
  ...[HOST, MDNS, SRFLX, PRFLX, RELAY].map((candidate) => `a=${candidate}`),
  "a=ice-ufrag:abcd", "a=mid:0",
  "m=video 0 UDP/TLS/RTP/SAVPF 96", "c=IN IP6 2001:db8::7", "a=mid:1", "",
].join("\r\n");

test("only relay candidates leave, without the address behind them", () => {
  for (const candidate of [HOST, MDNS, SRFLX, PRFLX, "candidate:nonsense"]) assert.equal(hide_candidate(candidate), null);
  assert.equal(hide_candidate(RELAY), SHOWN);
  assert.equal(hide_candidate(""), "");
});

test("no address but the relay's is left in a description", () => {
  const hidden = hide_addresses(SDP);
  for (const address of ["192.168.1.7", "203.0.113.9", ".local", "2001:db8", "raddr", "50000"]) {
    assert.ok(SDP.includes(address), `control: ${address} was there`);
    assert.ok(!hidden.includes(address), `${address} is still there`);
  }
  assert.ok(hidden.includes(`a=${SHOWN}\r\n`));
});

test("what negotiation needs stays: sections, rejected ports, credentials, line ends", () => {
  const hidden = hide_addresses(SDP);
  assert.ok(hidden.includes("m=audio 9 UDP/TLS/RTP/SAVPF 111"));
  assert.ok(hidden.includes("m=video 0 UDP/TLS/RTP/SAVPF 96"));
  assert.ok(hidden.includes("a=ice-ufrag:abcd"));
  assert.ok(hidden.endsWith("a=mid:1\r\n"));
  assert.equal(hide_addresses(hidden), hidden);
});

test("a received relay candidate gets the empty related address its grammar asks for", () => {
  assert.equal(complete_candidate(SHOWN), SHOWN.replace("typ relay", "typ relay raddr 0.0.0.0 rport 9"));
  for (const candidate of [HOST, SRFLX, RELAY, ""]) assert.equal(complete_candidate(candidate), candidate);
  assert.ok(complete_candidates(hide_addresses(SDP)).includes("typ relay raddr 0.0.0.0 rport 9"));
});

test("types and user fragments are read", () => {
  assert.deepEqual([HOST, SRFLX, PRFLX, RELAY, "x typ relayed"].map(candidate_type), ["host", "srflx", "prflx", "relay", ""]);
  assert.equal(ice_ufrag(SDP), "abcd");
  assert.equal(ice_ufrag("v=0\r\n"), "");
});
