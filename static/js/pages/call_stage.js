// Where everybody stands: one person large and the others small, or all of the same size. The own picture takes the last
// place among several people; between two it floats in a corner (call_self.js).

import { choose_large, swap_to_front } from "../lib/stage_order.js";
import { place_grid_and_own, place_speaker } from "../lib/tile_layout.js";
import { read_layout, remember_layout } from "./call_memory.js";

/**
 * @typedef {import("../lib/stage_order.js").Layout} Layout
 * @typedef {import("../lib/tile_layout.js").Rectangle} Rectangle
 * @typedef {import("./call_tiles.js").TileGrid} TileGrid
 * @typedef {import("./call_self.js").OwnPicture} OwnPicture
 */

const GAP_PX = 8;
/** A phone has no room for equal tiles that show a face. */
const PHONE = "(max-width: 44rem), (max-height: 30rem)";

/** Fires "change" when something else is large, pinned or placed. */
export class Stage extends EventTarget {
  /** @type {Layout} */
  #layout = read_layout() ?? (matchMedia(PHONE).matches ? "speaker" : "grid");
  #pinned = "";
  #large = "";
  /** @type {string[]} */
  #placed = [];
  /** @type {string[]} */
  #speakers = [];
  #observer = new ResizeObserver(() => this.#place());

  /** @param {HTMLElement} element @param {TileGrid} tiles @param {OwnPicture} own */
  constructor(element, tiles, own) {
    super();
    this.element = element;
    this.tiles = tiles;
    this.own = own;
    this.#observer.observe(element);
  }

  get layout() { return this.#layout; }
  /** Key of the tile that was pinned, or "". */
  get pinned() { return this.#pinned; }
  /** Between two people there is nothing to choose. */
  get has_choice() { return this.tiles.count > 1; }

  /** @param {string[]} speakers ids, the latest first */
  arrange(speakers) {
    this.#speakers = speakers;
    const keys = [...this.tiles.tiles.keys()];
    if (!keys.includes(this.#pinned)) this.#pinned = "";
    this.#large = choose_large({ keys, pinned: this.#pinned, speakers, large: this.#large });
    this.#placed = swap_to_front(this.#placed, keys, this.#large);
    this.#place();
  }

  /** @param {Layout} layout remembered on this device */
  set_layout(layout) {
    this.#layout = layout;
    this.#pinned = "";
    remember_layout(layout);
    this.arrange(this.#speakers);
  }

  /** Keeps a tile large, or lets it go when it was. @param {string} key */
  toggle_pin(key) {
    this.#pinned = this.#pinned === key ? "" : key;
    this.arrange(this.#speakers);
  }

  close() {
    this.#observer.disconnect();
    this.own.place(null);
  }

  #place() {
    const { tiles } = this.tiles;
    const keys = [...tiles.keys()];
    const one_large = this.#layout === "speaker" || this.#pinned !== "" || keys.some((key) => key.endsWith(" screen"));
    const with_own = keys.length > 1;
    const stage = { width: this.element.clientWidth, height: this.element.clientHeight, gap: GAP_PX };
    const rectangles = with_own && !one_large ? place_grid_and_own(keys.length, stage) : place_speaker(keys.length + (with_own ? 1 : 0), stage);
    const order = one_large ? this.#placed : keys;
    for (const [index, key] of order.entries()) {
      const tile = tiles.get(key);
      const rectangle = rectangles[index];
      if (!tile || !rectangle) continue;
      put(tile.element, rectangle);
      tile.render_place({ large: keys.length === 1 || (one_large && index === 0), pinned: key === this.#pinned, pinnable: this.has_choice });
    }
    this.own.place(with_own ? (rectangles[order.length] ?? null) : null);
    this.element.dataset.layout = one_large ? "speaker" : "grid";
    this.dispatchEvent(new Event("change"));
  }
}

/** @param {HTMLElement} element @param {Rectangle} rectangle */
export function put(element, { x, y, width, height }) {
  const sizes = { "--x": x, "--y": y, "--inline": width, "--block": height };
  for (const [name, size] of Object.entries(sizes)) element.style.setProperty(name, `${Math.round(size * 10) / 10}px`);
}
