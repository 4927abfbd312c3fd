// Warns before the server logs an idle user off, and tells the server about real input in between.
// The server decides (telemed/accounts/sessions.py); this page only asks. Another tab may have been used meanwhile, or a
// call may be on: so it asks again before it warns. Polls carry X-Background, which the server does not count as input.

const WARN_S = 60;
const REPORT_MS = 60_000;
const ASK_AGAIN_MS = 60_000;
const ANNOUNCE_AT_S = new Set([60, 30, 10]);

/** @typedef {{signed_in: boolean, busy?: boolean, idle_s?: number, absolute_s?: number}} Status */

const dialog = document.getElementById("idle-dialog");
if (dialog instanceof HTMLDialogElement) watch(dialog);

/** @param {HTMLDialogElement} dialog */
function watch(dialog) {
  const status_url = dialog.dataset.statusUrl ?? "";
  const seconds_box = dialog.querySelector("[data-idle-seconds]");
  const absolute_text = dialog.querySelector("[data-idle-absolute]");
  // The page was opened by a person just now, and the server knows.
  let reported_at_ms = performance.now();
  let input_at_ms = reported_at_ms;
  let asking = false;
  let ends_at_ms = Infinity;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  /** Ask the server, and report input it does not know of. @returns {Promise<Status | null>} null when it cannot be reached */
  async function ask() {
    /** @type {Record<string, string>} */
    const headers = { "X-Background": "1" };
    const method = input_at_ms > reported_at_ms ? "POST" : "GET";
    if (method === "POST") {
      headers["X-CSRFToken"] = csrf_token();
      headers["X-Input-Age"] = String(Math.floor((performance.now() - input_at_ms) / 1000));
      reported_at_ms = input_at_ms;
    }
    try {
      const response = await fetch(status_url, { method, headers, cache: "no-store" });
      if (response.status === 401) return { signed_in: false };
      return response.ok ? await response.json() : null;
    } catch {
      return null;
    }
  }

  /** @param {Status | null} status */
  function follow(status) {
    clearTimeout(timer);
    if (status === null) {
      timer = setTimeout(check, 5_000);
      return;
    }
    if (!status.signed_in) {
      const next = encodeURIComponent(location.pathname + location.search);
      location.assign(`${dialog.dataset.loginUrl}?next=${next}`);
      return;
    }
    const left_s = Math.min(status.idle_s ?? 0, status.absolute_s ?? 0);
    if (status.busy || left_s > WARN_S) {
      dialog.close();
      timer = setTimeout(check, status.busy ? ASK_AGAIN_MS : Math.min((left_s - WARN_S) * 1000, 2 ** 31 - 1));
      return;
    }
    ends_at_ms = performance.now() + left_s * 1000;
    if (absolute_text instanceof HTMLElement) absolute_text.hidden = (status.absolute_s ?? 0) > WARN_S;
    if (!dialog.open) dialog.showModal();
    count_down();
  }

  async function check() {
    if (asking) return;
    asking = true;
    const status = await ask();
    asking = false;
    follow(status);
  }

  function count_down() {
    const left_s = Math.max(0, Math.ceil((ends_at_ms - performance.now()) / 1000));
    if (seconds_box) seconds_box.textContent = String(left_s);
    if (ANNOUNCE_AT_S.has(left_s)) announce(dialog, left_s);
    timer = left_s > 0 ? setTimeout(count_down, 1_000) : setTimeout(check, 1_500);
  }

  function note_input() {
    input_at_ms = performance.now();
    if (dialog.open || input_at_ms - reported_at_ms >= REPORT_MS) check();
  }

  for (const type of ["pointerdown", "keydown", "wheel", "touchstart"]) {
    document.addEventListener(type, note_input, { passive: true, capture: true });
  }
  dialog.querySelector("[data-idle-stay]")?.addEventListener("click", note_input);
  // A sleeping laptop stops timers: look at once when it wakes up.
  document.addEventListener("visibilitychange", () => { if (!document.hidden) check(); });
  check();
}

/** @param {HTMLDialogElement} dialog @param {number} seconds */
function announce(dialog, seconds) {
  const live = document.createElement("p");
  live.className = "visually-hidden";
  live.setAttribute("role", "status");
  dialog.append(live);
  live.textContent = (dialog.dataset.announce ?? "").replace("{seconds}", String(seconds));
  setTimeout(() => live.remove(), 5_000);
}

function csrf_token() {
  return document.querySelector('meta[name="csrf-token"]')?.getAttribute("content") ?? "";
}
