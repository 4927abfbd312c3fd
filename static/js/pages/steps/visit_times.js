// When the visit is, in words: weekday and full date, and both zones when the person and the practice live apart.

import { page_language, t } from "../texts.js";

/** The zone of this device, e.g. "Europe/Berlin". */
export function own_zone() {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}

/** @param {Date} date @param {string} zone */
export function format_day(date, zone) {
  return new Intl.DateTimeFormat(page_language(), { weekday: "long", day: "numeric", month: "long", year: "numeric", timeZone: zone }).format(date);
}

/** @param {Date} date @param {string} zone */
export function format_time(date, zone) {
  const time = new Intl.DateTimeFormat(page_language(), { hour: "numeric", minute: "2-digit", timeZone: zone }).format(date);
  // "6:46 PM" must not break at the end of a line.
  return time.replace(/\s/g, "\u00a0");
}

/** @param {Date} date @param {string} zone */
function zone_name(date, zone) {
  const parts = new Intl.DateTimeFormat(page_language(), { timeZone: zone, timeZoneName: "long" }).formatToParts(date);
  return parts.find((part) => part.type === "timeZoneName")?.value ?? zone;
}

/**
 * Whether clocks in both zones show the same time at `date`. Names may differ (Berlin, Vienna) and mean the same.
 * @param {Date} date @param {string} zone @param {string} other
 */
function same_clock(date, zone, other) {
  return format_time(date, zone) === format_time(date, other) && format_day(date, zone) === format_day(date, other);
}

/**
 * @param {{starts_at: string, ends_at: string, zone: string}} visit times in UTC
 * @param {string} [zone] of the person
 * @returns {{day: string, time: string, zone: string}} `zone` is empty when both clocks agree
 */
export function describe_times(visit, zone = own_zone()) {
  const starts = new Date(visit.starts_at);
  const ends = new Date(visit.ends_at);
  const apart = !same_clock(starts, zone, visit.zone);
  return {
    day: format_day(starts, zone),
    time: t("time_range", { from: format_time(starts, zone), to: format_time(ends, zone) }),
    zone: apart ? t("time_zones", { mine: zone_name(starts, zone), time: format_time(starts, visit.zone), theirs: zone_name(starts, visit.zone) }) : "",
  };
}

/** The server's clock, estimated once per answer: phones are often minutes off. */
export class ServerClock {
  #offset_ms = 0;

  /** @param {number|undefined} server_time_ms */
  set(server_time_ms) {
    if (server_time_ms) this.#offset_ms = server_time_ms - Date.now();
  }

  now_ms() {
    return Date.now() + this.#offset_ms;
  }
}
