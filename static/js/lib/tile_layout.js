/**
 * Where the tiles of a visit stand on the stage. Pure: sizes in, rectangles out, all in CSS pixels from the stage's top left.
 *
 * Nobody is ever scrolled out of sight: with at most eight people every tile fits, so the strip wraps instead.
 *
 * @typedef {{x: number, y: number, width: number, height: number}} Rectangle
 * @typedef {{width: number, height: number, gap: number}} Stage
 */

/** Faces may be cropped to a portrait of 3:4 and no further; wider than 16:9 a camera has nothing to show. */
const NARROWEST = 3 / 4;
const WIDEST = 16 / 9;
/** Below this a face in the strip is a guess and a thumb misses it. */
const STRIP_LEAST = { width: 76, height: 60 };
/** The own picture where it needs not be as large as the others. */
const OWN = { width: 200, height: 150 };
/** The strip must not take the stage over from whoever speaks. */
const STRIP_SHARE = 0.24;

/** The part of a box that a face fills. @param {number} width @param {number} height */
function useful_area(width, height) {
  return Math.max(0, Math.min(width, height * WIDEST)) * Math.max(0, Math.min(height, width / NARROWEST));
}

/**
 * Columns and rows in which `count` equal tiles are largest; of two equal choices the one with fewer empty places.
 *
 * @param {number} count at least 1
 * @param {Stage} stage
 * @returns {{columns: number, rows: number, width: number, height: number}} of one tile
 */
export function grid_shape(count, { width, height, gap }) {
  let best = { columns: 1, rows: count, width: 0, height: 0 };
  let best_score = -1;
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const cell_width = Math.max(0, (width - gap * (columns - 1)) / columns);
    const cell_height = Math.max(0, (height - gap * (rows - 1)) / rows);
    const score = useful_area(cell_width, cell_height) * (1 - 0.02 * (columns * rows - count));
    if (score <= best_score) continue;
    best_score = score;
    best = { columns, rows, width: Math.min(cell_width, cell_height * WIDEST), height: Math.min(cell_height, cell_width / NARROWEST) };
  }
  return best;
}

/**
 * Equal tiles, rows centred.
 *
 * @param {number} count at least 1
 * @param {Stage} stage
 * @returns {Rectangle[]}
 */
export function place_grid(count, stage) {
  if (count === 1) return [{ x: 0, y: 0, width: stage.width, height: stage.height }];
  const { columns, rows, width, height } = grid_shape(count, stage);
  return place_rows(count, columns, { width, height }, stage, (stage.height - rows * height - (rows - 1) * stage.gap) / 2);
}

/**
 * Equal tiles for the others and a place for the own picture, which is the last: equal too where that costs the others
 * nothing, else small under them or beside them. Nobody comes to a visit to look at themselves.
 *
 * @param {number} count of the others, at least 1
 * @param {Stage} stage
 * @returns {Rectangle[]}
 */
export function place_grid_and_own(count, stage) {
  const { width, height, gap } = stage;
  const own_height = Math.min(OWN.height, height * 0.25);
  const own_width = Math.min(OWN.width, width * 0.22);
  const below = { height: own_height, width: own_height * OWN.width / OWN.height };
  const beside = { width: own_width, height: own_width * OWN.height / OWN.width };
  const choices = [
    { area: grid_area(count, count + 1, stage), place: () => place_grid(count + 1, stage) },
    {
      area: grid_area(count, count, { ...stage, height: height - own_height - gap }),
      place: () => [...place_grid(count, { ...stage, height: height - own_height - gap }), { x: (width - below.width) / 2, y: height - below.height, ...below }],
    },
    {
      area: grid_area(count, count, { ...stage, width: width - own_width - gap }),
      place: () => [...place_grid(count, { ...stage, width: width - own_width - gap }), { x: width - beside.width, y: height - beside.height, ...beside }],
    },
  ];
  const tiles = choices.reduce((one, other) => (other.area > one.area ? other : one)).place();
  const [first, own] = [tiles[0], tiles.at(-1)];
  if (first && own) Object.assign(own, { width: Math.min(own.width, first.width), height: Math.min(own.height, first.height) });
  return tiles;
}

/** What `count` people get of a grid of `cells`. @param {number} count @param {number} cells @param {Stage} stage */
function grid_area(count, cells, stage) {
  const { width, height } = grid_shape(cells, { ...stage, width: Math.max(0, stage.width), height: Math.max(0, stage.height) });
  return count * useful_area(width, height);
}

/**
 * One large tile, the others small beside it or under it, whichever leaves the large one more room. The first rectangle is the large one.
 *
 * @param {number} count at least 1, the large tile counted
 * @param {Stage} stage
 * @returns {Rectangle[]}
 */
export function place_speaker(count, stage) {
  const small = count - 1;
  if (small < 1) return place_grid(count, stage);
  const choices = [1, 2, 3, 4].flatMap((lines) => (lines > small ? [] : [strip_below(small, lines, stage), strip_beside(small, lines, stage)]));
  const fitting = choices.filter(({ tile }) => tile.width >= STRIP_LEAST.width && tile.height >= STRIP_LEAST.height);
  const score = (/** @type {ReturnType<typeof strip_below>} */ { large, tile }) => useful_area(large.width, large.height) + 0.5 * small * useful_area(tile.width, tile.height);
  const best = (fitting.length > 0 ? fitting : choices).reduce((one, other) => (score(other) > score(one) ? other : one));
  return [best.large, ...best.place()];
}

/** @param {number} count @param {number} rows @param {Stage} stage */
function strip_below(count, rows, stage) {
  const { width, height, gap } = stage;
  const columns = Math.ceil(count / rows);
  const room = Math.max(0, (width - gap * (columns - 1)) / columns);
  const tile_height = Math.max(Math.min(room / 0.85, (height * STRIP_SHARE * 1.25) / Math.max(1, rows * 0.8)), Math.min(STRIP_LEAST.height, height / (rows + 1)));
  const tile = { width: Math.min(room, tile_height * WIDEST), height: tile_height };
  const top = height - rows * (tile_height + gap) + gap;
  return { large: { x: 0, y: 0, width, height: Math.max(0, top - gap) }, tile, place: () => place_rows(count, columns, tile, stage, top) };
}

/** @param {number} count @param {number} columns @param {Stage} stage */
function strip_beside(count, columns, stage) {
  const { width, height, gap } = stage;
  const rows = Math.ceil(count / columns);
  const room = Math.max(0, (height - gap * (rows - 1)) / rows);
  const tile_width = Math.min(room * WIDEST, (width * STRIP_SHARE) / columns);
  const tile = { width: tile_width, height: Math.min(room, tile_width / NARROWEST) };
  const left = width - columns * (tile_width + gap) + gap;
  const top = (height - rows * tile.height - (rows - 1) * gap) / 2;
  /** @returns {Rectangle[]} */
  const place = () => Array.from({ length: count }, (_, index) => ({
    x: left + Math.floor(index / rows) * (tile.width + gap), y: top + (index % rows) * (tile.height + gap), ...tile,
  }));
  return { large: { x: 0, y: 0, width: Math.max(0, left - gap), height }, tile, place };
}

/**
 * @param {number} count
 * @param {number} columns
 * @param {{width: number, height: number}} tile
 * @param {Stage} stage
 * @param {number} top
 * @returns {Rectangle[]}
 */
function place_rows(count, columns, tile, { width, gap }, top) {
  return Array.from({ length: count }, (_, index) => {
    const row = Math.floor(index / columns);
    const in_row = Math.min(columns, count - row * columns);
    const left = (width - in_row * tile.width - (in_row - 1) * gap) / 2;
    return { x: left + (index % columns) * (tile.width + gap), y: top + row * (tile.height + gap), ...tile };
  });
}

/**
 * The height in device pixels at which a picture is drawn in its tile, which is what the sender has to deliver.
 *
 * @param {{width: number, height: number}} tile CSS pixels
 * @param {{fit: string, ratio: number, scale: number}} how object-fit; ratio = picture height by width; scale = devicePixelRatio
 */
export function drawn_height({ width, height }, { fit, ratio, scale }) {
  if (width <= 0 || height <= 0) return 0;
  const by_width = width * ratio;
  return Math.round((fit === "cover" ? Math.max(height, by_width) : Math.min(height, by_width)) * scale);
}
