import assert from "node:assert/strict";
import { test } from "node:test";
import { MediaPath } from "../../../static/js/call/media_path.js";
import { PathKeeper } from "../../../static/js/call/path_keeper.js";

/**
 * @import { Held } from "../../../static/js/call/path_keeper.js"
 * @import { Message, Snapshot } from "../../../static/js/lib/protocol.js"
 */

/** A path that does what the test says, and remembers what it was told. */
class FakePath extends MediaPath {
  /** @type {string[]} */
  calls = [];
  told_moved = "";
  mapped = true;
  /** @type {(proved: boolean) => void} */
  settle = () => {};
  /** @type {Promise<boolean>} */
  #proof = new Promise((resolve) => { this.settle = resolve; });
  /** @type {any} */
  track = { kind: "video" };

  /** @param {string} name @param {boolean} warm @param {number} generation */
  constructor(name, warm, generation) {
    super();
    Object.assign(this, { name, warm, generation });
  }

  async prepare() { this.note({ state: "connecting" }); }
  async verify() { return this.#proof; }
  /** @param {MediaPath|null} previous */
  async swap(previous) {
    this.calls.push(previous ? "swap" : "show");
    this.emit("remote-track", { slot: "video", track: this.track });
  }
  send_in_full() { this.calls.push("full"); }
  /** @param {string} engine */
  tell_moved(engine) { this.told_moved = engine; }
  reaches() { return this.mapped; }
  close() { this.calls.push("close"); this.settle(false); super.close(); }
  async prove() {
    this.note({ state: "connected", route: this.name === "sfu" ? "server" : "direct" });
    this.settle(true);
    await turn();
  }
  name = "";
}

const turn = () => new Promise((resolve) => { setImmediate(resolve); });

/** @param {Partial<Record<string, any>>} join @returns {Snapshot} */
const snapshot = (join) => /** @type {any} */ ({
  room: { code: "r", state: "live" },
  me: { id: "me", state: "admitted" },
  join: { ice_transport_policy: "all", warm: null, peers: [{ id: "ben", polite: true }], ...join },
  participants: [{ id: "me", state: "admitted", page: "page-me-0", present: true }, { id: "ben", state: "admitted", page: "page-ben", present: true }],
});
const P2P = { engine: "p2p" };
const SFU = { engine: "sfu", room_size: 4, peers: [{ id: "ben" }] };
const P2P_WARM_SFU = { ...P2P, warm: { ice_transport_policy: "all", ...SFU } };
const SFU_WARM_P2P = { ...SFU, warm: { ice_transport_policy: "all", peers: [{ id: "ben", polite: true }], ...P2P } };

function keep() {
  /** @type {FakePath[]} */
  const built = [];
  /** @type {Message[]} */
  const sent = [];
  const beats = new EventTarget();
  /** @type {any} */
  const local = Object.assign(new EventTarget(), { tracks: {}, state: {} });
  const builder = (/** @type {string} */ engine) => (/** @type {any} */ _plan, /** @type {any} */ _join, /** @type {boolean} */ warm, /** @type {number} */ generation) => {
    const path = new FakePath(engine, warm, generation);
    built.push(path);
    return /** @type {any} */ (path);
  };
  let renewed = 0;
  const keeper = new PathKeeper(/** @type {any} */ ({
    page_id: () => "page-me-0", me: () => "me", socket_up: () => true, room: () => "r",
    send: (/** @type {Message} */ message) => { sent.push(message); return true; },
    renew_page: () => { renewed += 1; },
    transforms: beats, local, builders: { p2p: builder("p2p"), sfu: builder("sfu") },
  }));
  /** @type {string[]} */
  const moved = [];
  keeper.addEventListener("moved", (event) => moved.push(/** @type {CustomEvent} */ (event).detail.engine));
  /** @type {{type: string, path: any, detail: any}[]} */
  const told = [];
  keeper.addEventListener("event", (event) => told.push(/** @type {CustomEvent} */ (event).detail));
  const beat = async () => { beats.dispatchEvent(new Event("beat")); await turn(); };
  return { keeper, built, sent, moved, told, beat, renewals: () => renewed };
}

/** In a call between two that is connected. */
async function in_a_call() {
  const kept = keep();
  kept.keeper.follow(snapshot(P2P));
  await turn();
  const [direct] = kept.built;
  assert.ok(direct);
  await direct.prove();
  return { ...kept, direct };
}

/** @param {FakePath|undefined} path @returns {FakePath} */
function there(path) {
  assert.ok(path);
  return path;
}

test("a warm path is built beside the one in use, is measured, and shows nothing", async () => {
  const { keeper, built, told, direct } = await in_a_call();
  keeper.follow(snapshot(P2P_WARM_SFU));
  await turn();
  const warm = there(built[1]);
  assert.equal(/** @type {any} */ (warm).warm, true);
  await warm.prove();
  warm.emit("remote-track", { slot: "video", track: warm.track });
  warm.emit("quality", {});
  warm.emit("refused", { code: "sfu_full", message: "" });
  assert.equal(keeper.path, /** @type {any} */ (direct));
  assert.deepEqual(told.filter(({ path }) => path === warm), []);
  assert.deepEqual(warm.calls, []);
});

test("a warm path that nobody asks for any more is given up", async () => {
  const { keeper, built, direct } = await in_a_call();
  keeper.follow(snapshot(P2P_WARM_SFU));
  await turn();
  keeper.follow(snapshot(P2P));
  assert.deepEqual(there(built[1]).calls, ["close"]);
  assert.deepEqual(direct.calls, ["show"]);
});

test("a proved warm path takes over when it is asked for, and the old one stays until both have moved", async () => {
  const { keeper, built, moved, direct, beat } = await in_a_call();
  keeper.follow(snapshot(P2P_WARM_SFU));
  await turn();
  const server = there(built[1]);
  await server.prove();
  keeper.follow(snapshot(SFU));
  await turn();
  assert.equal(built.length, 2);
  assert.deepEqual(server.calls, ["full", "swap"]);
  assert.equal(keeper.path, /** @type {any} */ (server));
  await beat();
  assert.deepEqual(moved, [], "its picture is not seen yet");
  keeper.note_shown(server.track);
  await beat();
  assert.deepEqual(moved, ["sfu"]);
  assert.equal(direct.told_moved, "sfu");
  assert.ok(!direct.calls.includes("close"), "the other person may still be on it");
  direct.emit("moved", "sfu");
  await beat();
  assert.ok(direct.calls.includes("close"));
});

test("a path says whether something of it is seen or heard: the new one from its first track, the old one until all have changed over", async () => {
  const { keeper, built, direct, beat } = await in_a_call();
  const shown = () => keeper.carrying.map(({ path, shown: is_shown }) => `${/** @type {any} */ (path).name} ${is_shown}`);
  assert.deepEqual(shown(), ["p2p true"]);
  keeper.follow(snapshot(P2P_WARM_SFU));
  await turn();
  const server = there(built[1]);
  await server.prove();
  assert.deepEqual(shown(), ["p2p true", "sfu false"]);
  keeper.follow(snapshot(SFU));
  await turn();
  server.emit("remote-track", { slot: "audio", track: { kind: "audio" } });
  await beat();
  assert.deepEqual(shown(), ["sfu false", "p2p true"]);
  keeper.note_shown(server.track);
  await beat();
  assert.deepEqual(shown(), ["sfu true", "p2p true"], "its sound is still to come");
});

test("a path that is left and not shown any more says so until it is closed", async () => {
  const { keeper, built, direct, beat } = await in_a_call();
  keeper.follow(snapshot(SFU));
  await turn();
  await there(built[1]).prove();
  keeper.note_shown(there(built[1]).track);
  await beat();
  assert.deepEqual(keeper.carrying.map(({ shown }) => shown), [true, false]);
  direct.emit("moved", "sfu");
  await beat();
  assert.deepEqual(keeper.carrying.map(({ shown }) => shown), [true]);
});

test("what the other page said before this one moved is not forgotten", async () => {
  const { keeper, built, direct, beat } = await in_a_call();
  keeper.follow(snapshot(P2P_WARM_SFU));
  await turn();
  direct.emit("moved", "sfu");
  await there(built[1]).prove();
  keeper.follow(snapshot(SFU));
  await turn();
  keeper.note_shown(there(built[1]).track);
  await beat();
  assert.ok(direct.calls.includes("close"));
});

test("nobody moves before the other person comes over the new path", async () => {
  const { keeper, built, moved, beat } = await in_a_call();
  keeper.follow(snapshot(SFU));
  await turn();
  const server = there(built[1]);
  server.mapped = false;
  await server.prove();
  keeper.note_shown(server.track);
  await beat();
  assert.deepEqual(moved, []);
  server.mapped = true;
  await beat();
  assert.deepEqual(moved, ["sfu"]);
});

test("an unproved path that is asked for waits while the old one works, and takes over at once when that is lost", async () => {
  const { keeper, built, direct } = await in_a_call();
  keeper.follow(snapshot(SFU));
  await turn();
  const server = there(built[1]);
  assert.equal(keeper.path, /** @type {any} */ (direct));
  direct.note({ state: "lost" });
  await turn();
  assert.equal(keeper.path, /** @type {any} */ (server));
});

test("a lost path does not make a page move that was not asked to", async () => {
  const { keeper, built, direct } = await in_a_call();
  keeper.follow(snapshot(P2P_WARM_SFU));
  await turn();
  await there(built[1]).prove();
  direct.note({ state: "lost" });
  await turn();
  assert.equal(keeper.path, /** @type {any} */ (direct));
  keeper.follow(snapshot(SFU));
  await turn();
  assert.equal(keeper.path, /** @type {any} */ (built[1]));
});

test("back between browsers is another connection of the same pages, with a number of its own", async () => {
  const { keeper, built, moved, beat } = await in_a_call();
  keeper.follow(snapshot(SFU));
  await turn();
  await there(built[1]).prove();
  keeper.note_shown(there(built[1]).track);
  await beat();
  keeper.follow(snapshot(SFU_WARM_P2P));
  await turn();
  const again = there(built[2]);
  assert.equal(/** @type {any} */ (again).generation, 1);
  await again.prove();
  keeper.follow(snapshot(P2P));
  await turn();
  keeper.note_shown(again.track);
  await beat();
  assert.deepEqual(moved, ["sfu", "p2p"]);
  assert.equal(again.told_moved, "p2p");
});

test("a page whose other side already builds the next connection leaves its own", async () => {
  const { keeper, built } = await in_a_call();
  keeper.receive({ type: "signal", from: "ben", stream: "page-ben.page-me-0.3", seq: 1, body: {} });
  await turn();
  assert.equal(/** @type {any} */ (there(built[1])).generation, 3);
  keeper.receive({ type: "signal", from: "ben", stream: "page-ben.page-me-0.2", seq: 1, body: {} });
  keeper.receive({ type: "signal", from: "ben", stream: "page-ben.another0.9", seq: 1, body: {} });
  await turn();
  assert.equal(built.length, 2, "what is older, or meant for another page, changes nothing");
});

test("a decision that is taken back in the middle ends where the last snapshot says, with one path", async () => {
  const { keeper, built, direct } = await in_a_call();
  keeper.follow(snapshot(P2P_WARM_SFU));
  await turn();
  keeper.follow(snapshot(SFU));
  keeper.follow(snapshot(P2P));
  await turn();
  await there(built[1]).prove();
  assert.equal(keeper.path, /** @type {any} */ (direct));
  assert.ok(there(built[1]).calls.includes("close"));
});

test("a standing path is reported every two seconds, and every second while it is poor or two are compared", async (context) => {
  let clock_ms = 100_000;
  context.mock.method(performance, "now", () => clock_ms);
  const { keeper, built, sent, direct, beat } = await in_a_call();
  const measured = (/** @type {number} */ score) => /** @type {any} */ ({ audio: { score, factor: null }, video: null, rates: { interval_ms: 1000, pair: null, streams: {} } });
  /** @param {number} after_ms */
  const told = async (after_ms) => {
    clock_ms += after_ms;
    sent.length = 0;
    await beat();
    return sent.map(({ engine, warm, audio }) => `${engine} ${warm} ${audio}`);
  };
  direct.measured = () => measured(90);
  assert.deepEqual(await told(0), ["p2p false 90"]);
  assert.deepEqual(await told(1000), []);
  assert.deepEqual(await told(1000), ["p2p false 90"]);
  direct.measured = () => measured(30);
  assert.deepEqual(await told(500), []);
  assert.deepEqual(await told(500), ["p2p false 30"]);
  keeper.follow(snapshot(P2P_WARM_SFU));
  await turn();
  there(built[1]).measured = () => measured(95);
  assert.deepEqual(await told(1000), ["p2p false 30", "sfu true 95"]);
});

test("whatever order of snapshots comes, the page ends on the path of the last one and holds no other", async () => {
  const steps = [P2P, P2P_WARM_SFU, SFU, SFU_WARM_P2P];
  let seed = 7;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  for (let run = 0; run < 200; run += 1) {
    const { keeper, built, beat } = await in_a_call();
    const length = 1 + Math.floor(random() * 8);
    let last = P2P;
    for (let step = 0; step < length; step += 1) {
      last = /** @type {any} */ (steps[Math.floor(random() * steps.length)]);
      keeper.follow(snapshot(last));
      if (random() < 0.7) await turn();
      if (random() < 0.5) for (const path of built) if (path.report.state === "connecting") await path.prove();
    }
    // The next snapshot without a warm path, as the server ends every probe.
    keeper.follow(snapshot({ ...last, warm: null }));
    await turn();
    for (const path of built) if (path.report.state === "connecting") await path.prove();
    for (const path of built) {
      keeper.note_shown(path.track);
      path.emit("moved", last.engine);
    }
    await beat();
    await beat();
    const open = built.filter(({ report }) => report.state !== "closed");
    assert.deepEqual(open.map(({ name }) => name), [last.engine], `run ${run}`);
    assert.equal(keeper.path, /** @type {any} */ (open[0]));
  }
});
