/**
 * What is tried while nobody is seen or heard, in order, and for how long each before the next is named. Pure.
 *
 * Each ICE restart tries the first three at once; the words say which of them the time that has passed points to. The way
 * through the server is the server's decision (join.engine), after 10 s without a direct path. On the server it is the server
 * that holds pictures back for the sound, so sound alone is a step of the direct path only.
 *
 * @typedef {"restart"|"relay"|"relay_tls"|"server"|"audio_only"|"phone"} RescueStep
 */

/** @type {{step: RescueStep, budget_ms: number, engine: "p2p"|"sfu"|"", needs_relay: boolean}[]} engine "": on both */
export const LADDER = [
  { step: "restart", budget_ms: 4000, engine: "p2p", needs_relay: false },
  { step: "relay", budget_ms: 4000, engine: "p2p", needs_relay: true },
  { step: "relay_tls", budget_ms: 4000, engine: "p2p", needs_relay: true },
  { step: "server", budget_ms: 12_000, engine: "sfu", needs_relay: false },
  { step: "audio_only", budget_ms: 10_000, engine: "p2p", needs_relay: false },
  { step: "phone", budget_ms: Infinity, engine: "", needs_relay: false },
];

/**
 * @param {{lost_ms: number, engine: string, has_relay: boolean}} situation lost_ms: since it was lost, or since this engine was chosen
 * @returns {RescueStep}
 */
export function rescue_step({ lost_ms, engine, has_relay }) {
  let until_ms = 0;
  for (const rung of LADDER) {
    if (rung.engine !== "" && rung.engine !== engine) continue;
    until_ms += rung.budget_ms;
    if (lost_ms < until_ms) return rung.needs_relay && !has_relay ? "restart" : rung.step;
  }
  return "phone";
}
