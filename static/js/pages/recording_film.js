// The bar of the one file of everybody: asks the server how far it is, until something else is to be seen.

import { announce, find, find_html, show, write } from "./dom.js";
import { get_json, ServerError } from "./server.js";
import { has_text, t } from "./texts.js";

const ASK_EVERY_MS = 1000;
// The server may be away for a moment: asking goes on, more slowly.
const ASK_AGAIN_MS = 5000;

/** @param {HTMLElement} section */
export function follow_film(section) {
  const url = section.dataset.stateUrl;
  if (!url) return;
  const before = section.dataset.state ?? "";

  const ask = async () => {
    let film;
    try {
      film = await get_json(url);
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
      window.setTimeout(() => { void ask(); }, ASK_AGAIN_MS);
      return;
    }
    if (!film.active || (film.state === "asking") !== (before === "asking")) {
      changed(section);
      return;
    }
    if (film.state !== "asking") draw(section, film);
    window.setTimeout(() => { void ask(); }, ASK_EVERY_MS);
  };
  void ask();
}

/** @param {HTMLElement} section @param {{state: string, percent: number}} film */
function draw(section, { state, percent }) {
  find(section, "[data-part=film_bar]", HTMLProgressElement).value = percent;
  write(section, "film_percent", `${percent} %`);
  const words = find_html(section, "[data-text=film_words]");
  // A status that is written anew is read anew.
  if (has_text(`film_${state}`) && words.textContent !== t(`film_${state}`)) words.textContent = t(`film_${state}`);
}

/** Shows the new state; who watches something is not interrupted. @param {HTMLElement} section */
function changed(section) {
  const watching = [...document.querySelectorAll("video")].some((video) => !video.paused);
  if (!watching) {
    window.location.reload();
    return;
  }
  if (section.querySelector("[data-part=film_ready]")) show(section, "film_ready", true);
  announce(t("film_changed"));
}
