import assert from "node:assert/strict";
import { test } from "node:test";

import { drawn_height, grid_shape, place_grid, place_grid_and_own, place_speaker } from "../../../static/js/lib/tile_layout.js";

const PHONE = { width: 374, height: 650, gap: 8 };
const DESK = { width: 1000, height: 690, gap: 8 };
const WIDE = { width: 1424, height: 700, gap: 8 };
const PHONE_ON_ITS_SIDE = { width: 640, height: 320, gap: 8 };
const STAGES = { PHONE, DESK, WIDE, PHONE_ON_ITS_SIDE };

/** @param {import("../../../static/js/lib/tile_layout.js").Rectangle[]} tiles @param {{width: number, height: number}} stage */
function assert_apart_and_inside(tiles, stage) {
  for (const [index, one] of tiles.entries()) {
    assert.ok(one.x >= -0.01 && one.y >= -0.01 && one.x + one.width <= stage.width + 0.01 && one.y + one.height <= stage.height + 0.01, `tile ${index} leaves the stage: ${JSON.stringify(one)}`);
    for (const other of tiles.slice(index + 1)) {
      const apart = one.x + one.width <= other.x || other.x + other.width <= one.x || one.y + one.height <= other.y || other.y + other.height <= one.y;
      assert.ok(apart, `tiles overlap: ${JSON.stringify([one, other])}`);
    }
  }
}

test("a grid turns with the screen: columns on a desk, rows on a phone", () => {
  const shape = (/** @type {number} */ count, /** @type {typeof PHONE} */ stage) => {
    const { columns, rows } = grid_shape(count, stage);
    return `${columns}x${rows}`;
  };
  assert.deepEqual([1, 2, 3, 4, 5, 6, 7, 8].map((count) => shape(count, WIDE)), ["1x1", "2x1", "3x1", "2x2", "3x2", "3x2", "4x2", "4x2"]);
  assert.deepEqual([2, 3, 4, 5, 6, 7, 8].map((count) => shape(count, PHONE)), ["1x2", "1x3", "2x2", "2x3", "2x3", "2x4", "2x4"]);
});

test("tiles of a grid never overlap, never leave the stage, and are equal", () => {
  for (const stage of Object.values(STAGES)) {
    for (let count = 1; count <= 9; count += 1) {
      const tiles = place_grid(count, stage);
      assert.equal(tiles.length, count);
      assert_apart_and_inside(tiles, stage);
      assert.equal(new Set(tiles.map(({ width, height }) => `${width} ${height}`)).size, 1);
    }
  }
});

test("the own picture never makes the others smaller than it has to", () => {
  for (const stage of Object.values(STAGES)) {
    for (let others = 2; others <= 8; others += 1) {
      const tiles = place_grid_and_own(others, stage);
      assert.equal(tiles.length, others + 1);
      assert_apart_and_inside(tiles, stage);
      const [first, equal, own] = [tiles[0], place_grid(others + 1, stage)[0], tiles.at(-1)];
      assert.ok(first && equal && own);
      assert.ok(first.width * first.height >= equal.width * equal.height - 0.01, "smaller than with an equal place for the own picture");
      assert.ok(own.width * own.height <= first.width * first.height + 0.01, "the own picture is the largest");
    }
  }
  const beside_two = place_grid_and_own(2, DESK).at(-1);
  assert.deepEqual([beside_two?.width, beside_two?.height], [200, 150]);
  const among_seven = place_grid_and_own(7, WIDE);
  assert.equal(among_seven.at(-1)?.height, among_seven[0]?.height);
});

test("a last row that is not full is centred", () => {
  const [, , third] = place_grid(3, { width: 400, height: 400, gap: 0 });
  const middle = (third?.x ?? 0) + (third?.width ?? 0) / 2;
  assert.equal(middle, 200);
});

test("a single tile is the whole stage", () => {
  assert.deepEqual(place_grid(1, PHONE), [{ x: 0, y: 0, width: 374, height: 650 }]);
  assert.deepEqual(place_speaker(1, PHONE), [{ x: 0, y: 0, width: 374, height: 650 }]);
});

test("the speaker is large and everybody else stays in sight at a size that can be recognised and touched", () => {
  for (const [name, stage] of Object.entries(STAGES)) {
    for (let count = 2; count <= 9; count += 1) {
      const [large, ...small] = place_speaker(count, stage);
      assert.ok(large);
      assert.equal(small.length, count - 1);
      assert_apart_and_inside([large, ...small], stage);
      const share = (large.width * large.height) / (stage.width * stage.height);
      assert.ok(share > 0.5, `${name}, ${count} tiles: the speaker has only ${share.toFixed(2)} of the stage`);
      for (const { width, height } of small) assert.ok(width >= 76 && height >= 60, `${name}, ${count} tiles: ${width} x ${height}`);
    }
  }
});

test("the strip lies under the speaker on a phone and beside the speaker on a wide screen", () => {
  const [, below] = place_speaker(4, PHONE);
  const [large, beside] = place_speaker(4, WIDE);
  assert.ok((below?.y ?? 0) > 400);
  assert.equal(beside?.x, (large?.width ?? 0) + 8);
});

test("a stage without room gives no negative sizes", () => {
  for (const place of [place_grid, place_grid_and_own, place_speaker]) {
    for (const tile of place(8, { width: 40, height: 20, gap: 8 })) assert.ok(tile.width >= 0 && tile.height >= 0, JSON.stringify(tile));
  }
});

test("the wanted height is what is drawn: cropped pictures need more, letterboxed ones less", () => {
  const ratio = 9 / 16;
  assert.equal(drawn_height({ width: 320, height: 180 }, { fit: "cover", ratio, scale: 1 }), 180);
  assert.equal(drawn_height({ width: 390, height: 470 }, { fit: "cover", ratio, scale: 3 }), 1410);
  assert.equal(drawn_height({ width: 640, height: 200 }, { fit: "cover", ratio, scale: 1 }), 360);
  assert.equal(drawn_height({ width: 390, height: 470 }, { fit: "contain", ratio, scale: 1 }), 219);
  assert.equal(drawn_height({ width: 0, height: 470 }, { fit: "cover", ratio, scale: 1 }), 0);
});
