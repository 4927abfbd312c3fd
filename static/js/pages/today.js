// Keeps the day's list fresh: nudged over /ws/today/, and every 30 s in any case, because nudges can get lost.
// The server draws the list; this page puts it in place without taking the focus or closing an open menu.

import { backoff_ms } from "../lib/backoff.js";
import { allow_sound, chime } from "./chime.js";
import { announce, find_button, find_html, write } from "./dom.js";
import { t } from "./texts.js";

const REFRESH_MS = 30_000;
const SOUND_KEY = "today-sound";

const day = find_html(document, "#day");
const offline = find_html(document, "#offline");
const sound = find_button(document, "#sound");

/** Who waits now, by visit. @returns {Map<string, string>} */
function waiting_people() {
  const rows = /** @type {NodeListOf<HTMLElement>} */ (day.querySelectorAll("[data-waits]"));
  return new Map([...rows].map((row) => [row.dataset.visit ?? "", row.dataset.waits ?? ""]));
}

function show_count() {
  const count = waiting_people().size;
  document.title = count ? t("title_waiting", { count }) : t("title");
}

/** @param {string} html */
function replace_list(html) {
  if (html === drawn) return;
  drawn = html;
  const before = waiting_people();
  const focused = document.activeElement instanceof HTMLElement ? document.activeElement.id : "";
  const open_menus = [...day.querySelectorAll("details[open]")].map((menu) => menu.id);
  day.innerHTML = html;
  for (const id of open_menus) document.getElementById(id)?.setAttribute("open", "");
  if (focused && document.activeElement === document.body) document.getElementById(focused)?.focus({ preventScroll: true });
  show_count();
  const arrived = [...waiting_people()].filter(([visit]) => !before.has(visit));
  for (const [, name] of arrived) announce(t("arrived", { name }));
  if (arrived.length && sound_is_on()) chime();
}

/** Skips an answer that is not the list (signed out, an error page): the idle script or the next try tells. */
async function refresh() {
  clearTimeout(timer);
  timer = setTimeout(refresh, REFRESH_MS);
  if (refreshing) {
    again = true;
    return;
  }
  refreshing = true;
  try {
    const response = await fetch(day.dataset.listUrl ?? "", { headers: { "X-Background": "1" }, cache: "no-store" });
    if (response.ok && !response.redirected) replace_list(await response.text());
    if (response.status === 401) location.reload();
    offline.hidden = response.ok;
  } catch {
    offline.hidden = false;
  } finally {
    refreshing = false;
    if (again) {
      again = false;
      void refresh();
    }
  }
}

function listen() {
  const socket = new WebSocket(`${location.origin.replace("http", "ws")}/ws/today/`);
  socket.addEventListener("open", () => {
    attempts = 0;
    void refresh();
  });
  socket.addEventListener("message", () => void refresh());
  socket.addEventListener("close", (event) => {
    // 4401: signed out. The refresh finds out and leads to the sign-in page.
    if (event.code === 4401) void refresh();
    else setTimeout(listen, backoff_ms(attempts++));
  });
}

function sound_is_on() {
  return localStorage.getItem(SOUND_KEY) !== "off";
}

function show_sound() {
  sound.hidden = false;
  sound.setAttribute("aria-pressed", String(sound_is_on()));
  write(sound, "sound", t(sound_is_on() ? "sound_on" : "sound_off"));
}

let drawn = "";
let refreshing = false;
let again = false;
let attempts = 0;
let timer = setTimeout(refresh, REFRESH_MS);

sound.addEventListener("click", () => {
  localStorage.setItem(SOUND_KEY, sound_is_on() ? "off" : "on");
  show_sound();
  if (sound_is_on()) chime();
});
// Coming back from a visit some browsers allow sound at once; otherwise the first touch of this page does.
allow_sound();
for (const type of ["pointerdown", "keydown"]) document.addEventListener(type, allow_sound, { once: true, capture: true });
document.addEventListener("visibilitychange", () => { if (!document.hidden) void refresh(); });
show_sound();
show_count();
listen();
