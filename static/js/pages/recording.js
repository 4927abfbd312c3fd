// The players of one recording in step: all files begin at the recording's zero and are as long as it.

import { find_button, find_html, find_input, show, write } from "./dom.js";
import { format_duration } from "../lib/duration.js";
import { follow_film } from "./recording_film.js";
import { t } from "./texts.js";

// Farther apart than this is heard; bringing players together more often makes them stutter.
const APART_S = 0.15;
const LOOK_MS = 500;
const SEEK_STEPS = 1000;

/** @param {HTMLElement} section */
function play_together(section) {
  const videos = [...section.querySelectorAll("video")];
  const [lead] = videos;
  if (!lead || videos.length < 2) return;
  const button = find_button(section, "[data-action=play]");
  const seek = find_input(section, "[data-part=seek]");
  show(section, "together", true);

  const length_s = () => Math.max(0, ...videos.map(({ duration }) => (Number.isFinite(duration) ? duration : 0)));
  const draw = () => {
    const playing = videos.some((video) => !video.paused);
    button.setAttribute("aria-pressed", String(playing));
    write(button, "play", t(playing ? "recording_pause" : "recording_play"));
    write(section, "clock", format_duration(lead.currentTime * 1000));
    if (document.activeElement !== seek || playing) seek.value = String(length_s() ? Math.round((lead.currentTime / length_s()) * SEEK_STEPS) : 0);
    seek.setAttribute("aria-valuetext", format_duration(lead.currentTime * 1000));
  };
  button.onclick = () => {
    const playing = videos.some((video) => !video.paused);
    for (const video of videos) {
      if (playing) video.pause();
      else {
        video.currentTime = lead.currentTime;
        void video.play().catch(() => {});
      }
    }
  };
  seek.oninput = () => {
    const at_s = (Number(seek.value) / SEEK_STEPS) * length_s();
    for (const video of videos) video.currentTime = at_s;
  };
  for (const video of videos) for (const type of ["play", "pause", "timeupdate", "loadedmetadata", "ended"]) video.addEventListener(type, draw);
  window.setInterval(() => {
    if (lead.paused || lead.seeking) return;
    for (const video of videos) {
      if (!video.paused && !video.seeking && Math.abs(video.currentTime - lead.currentTime) > APART_S) video.currentTime = lead.currentTime;
    }
  }, LOOK_MS);
}

const film = document.querySelector("[data-part=film]");
if (film instanceof HTMLElement) follow_film(film);

const players = document.querySelector("[data-part=players]");
if (players) play_together(find_html(document, "[data-part=players]"));
