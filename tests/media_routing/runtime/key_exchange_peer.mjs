/**
 * A page of the product without a browser: `node key_exchange_peer.mjs`. JSON lines in: {do: "members", members} ·
 * {do: "receive", from, body} · {do: "seal", kind, frame} · {do: "unwrap", card, from, key_id, box} · {do: "withdraw"}.
 * Each is answered by {say: [...bodies for the recorder], ...}.
 */

import { createInterface } from "node:readline";

import { DeviceKeys, PeerKeys } from "../../../static/js/lib/device_keys.js";
import { seal_frame, SendingKey } from "../../../static/js/lib/frame_crypto.js";
import { KeyExchange } from "../../../static/js/lib/key_exchange.js";

const [room, id, page] = process.argv.slice(2);
const device = await DeviceKeys.create(room, id, page);
let said = [];
let sending = null;
const alarms = [];
const exchange = new KeyExchange(device, (to, body) => said.push({ to, body }));
exchange.addEventListener("sending", ({ detail }) => { sending = new SendingKey(detail.key); });
exchange.addEventListener("alarm", ({ detail }) => alarms.push(detail.code));
const hex = (bytes) => Buffer.from(bytes).toString("hex");

const doings = {
  members: async ({ members, now_ms }) => exchange.set_members(members, now_ms),
  receive: async ({ from, body, now_ms }) => exchange.receive(from, body, now_ms),
  tick: async ({ now_ms }) => exchange.tick(now_ms),
  withdraw: async ({ now_ms }) => exchange.withdraw(now_ms),
  seal: async ({ kind, frame }) => ({ sealed: hex(await seal_frame(sending, kind, new Uint8Array(Buffer.from(frame, "hex")))) }),
  unwrap: async ({ card, from, key_id, box }) => {
    try {
      return { secret: hex(await device.unwrap(await PeerKeys.read(card, room, from), from, key_id, box)) };
    } catch (error) {
      return { refused: error.message };
    }
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  const answer = await doings[command.do](command);
  process.stdout.write(`${JSON.stringify({ ...answer, say: said, alarms, key_id: sending?.id ?? null, card: device.card })}\n`);
  said = [];
}
