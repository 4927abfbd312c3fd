// Requests to our own server: JSON in, JSON out, CSRF token from the page, errors as sentences.

import { t } from "./texts.js";

/** A refusal of the server, or no answer at all (`code` "offline"). `message` is for the person. */
export class ServerError extends Error {
  /** @param {string} code @param {string} message @param {{status?: number, fields?: Record<string, string>}} [extra] */
  constructor(code, message, { status = 0, fields = {} } = {}) {
    super(message);
    this.code = code;
    this.status = status;
    this.fields = fields;
  }
}

const TIMEOUT_MS = 15_000;

/** @param {string} url @param {RequestInit} options @returns {Promise<any>} */
async function ask(url, options) {
  let response;
  try {
    response = await fetch(url, { credentials: "same-origin", cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS), ...options });
  } catch {
    throw new ServerError("offline", t("error_offline"));
  }
  const body = await response.json().catch(() => null);
  if (response.ok && body !== null) return body;
  const error = body?.error;
  if (error?.code) throw new ServerError(error.code, error.message, { status: response.status, fields: error.fields });
  if (response.status === 403) throw new ServerError("stale_page", t("error_stale_page"), { status: 403 });
  throw new ServerError("server", t("error_server"), { status: response.status });
}

/** @param {string} url */
export function get_json(url) {
  return ask(url, { headers: { Accept: "application/json" } });
}

/** @param {string} url @param {object} data */
export function post_json(url, data) {
  return post(url, JSON.stringify(data), "application/json");
}

/** @param {string} url @param {Blob} content */
export function post_bytes(url, content) {
  return post(url, content, content.type);
}

/** @param {string} url @param {BodyInit} body @param {string} type */
function post(url, body, type) {
  const token = document.querySelector('meta[name="csrf-token"]')?.getAttribute("content") ?? "";
  return ask(url, { method: "POST", headers: { Accept: "application/json", "Content-Type": type, "X-CSRFToken": token }, body });
}
