// Tells the client how large every picture is drawn here, so that nobody sends or carries more than is seen.

import { drawn_height } from "../lib/tile_layout.js";

/**
 * @typedef {import("../lib/view_wants.js").Want} Want
 * @typedef {import("./call_tiles.js").TileGrid} TileGrid
 * @typedef {import("./call_tile.js").Tile} Tile
 */

export class Wants {
  #sizes = new ResizeObserver(() => this.tell());
  #sight = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) this.#hidden.delete(target);
      else this.#hidden.add(target);
    }
    this.tell();
  });
  /** @type {Set<Element>} watched */
  #watched = new Set();
  /** @type {Set<Element>} scrolled out of sight */
  #hidden = new Set();
  #told = "";
  #listening = new AbortController();

  /** @param {TileGrid} tiles @param {() => string} pinned key of the pinned tile @param {(wants: Want[]) => void} send the client waits until it is quiet */
  constructor(tiles, pinned, send) {
    this.tiles = tiles;
    this.pinned = pinned;
    this.send = send;
    document.addEventListener("visibilitychange", () => this.tell(), { signal: this.#listening.signal });
  }

  /** Call when tiles came, went or moved. */
  follow() {
    const now = new Set([...this.tiles.tiles.values()].map(({ element }) => element));
    for (const element of this.#watched) {
      if (now.has(/** @type {HTMLElement} */ (element))) continue;
      this.#sizes.unobserve(element);
      this.#sight.unobserve(element);
      this.#hidden.delete(element);
    }
    for (const element of now) {
      if (this.#watched.has(element)) continue;
      this.#sizes.observe(element);
      this.#sight.observe(element);
    }
    this.#watched = now;
    this.tell();
  }

  tell() {
    const wants = [...this.tiles.tiles.values()].map((tile) => this.#want(tile));
    const words = JSON.stringify(wants);
    if (words === this.#told) return;
    this.#told = words;
    this.send(wants);
  }

  close() {
    this.#sizes.disconnect();
    this.#sight.disconnect();
    this.#listening.abort();
  }

  /** @param {Tile} tile @returns {Want} */
  #want(tile) {
    const { element, video, ratio } = tile;
    const seen = document.visibilityState === "visible" && !this.#hidden.has(element);
    const size = { width: element.clientWidth, height: element.clientHeight };
    const height = seen ? drawn_height(size, { fit: getComputedStyle(video).objectFit, ratio, scale: devicePixelRatio }) : 0;
    return { participant: tile.person_id, source: tile.is_screen ? "screen" : "camera", height, pinned: this.pinned() === tile.key };
  }
}
