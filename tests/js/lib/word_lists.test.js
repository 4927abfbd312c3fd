import assert from "node:assert/strict";
import { test } from "node:test";

import { safety_words, WORD_LISTS } from "../../../static/js/lib/word_lists.js";

/** @param {string} a @param {string} b */
const differ_by_one = (a, b) => a.length === b.length && [...a].filter((letter, at) => letter !== b[at]).length <= 1;

for (const [language, list] of Object.entries(WORD_LISTS)) {
  test(`${language}: 256 words, none twice, none a letter away from another`, () => {
    assert.equal(list.length, 256);
    const lower = list.map((word) => word.toLowerCase());
    const near = lower.flatMap((word, at) => lower.slice(at + 1).filter((other) => differ_by_one(word, other)).map((other) => `${word} ${other}`));
    assert.deepEqual(near, []);
    assert.ok(list.every((word) => /^[A-Za-z]{3,10}$/.test(word)));
  });
}

test("indexes are words of the visit's language; an unknown language reads English", () => {
  assert.deepEqual(safety_words([0, 255], "de"), [WORD_LISTS.de?.[0], WORD_LISTS.de?.[255]]);
  assert.deepEqual(safety_words([1], "fr"), [WORD_LISTS.en?.[1]]);
});
