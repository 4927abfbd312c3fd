const TITLES = /^(?:dr|prof|med|dipl|mr|mrs|ms|herr|frau)\.?$/iu;

/**
 * Up to two letters that stand for a person whose picture is off: of the first and the last word that is not a title.
 *
 * @param {string} name
 * @returns {string} "" when the name has no letters
 */
export function initials(name) {
  const words = name.split(/[\s,]+/u).filter((word) => /\p{L}/u.test(word));
  const names = words.filter((word) => !TITLES.test(word));
  const used = names.length > 0 ? names : words;
  const letter = (/** @type {string|undefined} */ word) => word?.match(/\p{L}\p{M}*/u)?.[0]?.toLocaleUpperCase() ?? "";
  return letter(used[0]) + (used.length > 1 ? letter(used.at(-1)) : "");
}

/** The name without leading titles, for a tile that has room for a few letters only. @param {string} name */
export function without_title(name) {
  const words = name.split(/\s+/u);
  const first = words.findIndex((word) => !TITLES.test(word));
  return first === -1 ? name : words.slice(first).join(" ");
}
