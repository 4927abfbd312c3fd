// The page's texts. Templates translate; JavaScript only looks up keys, so no prose and no language lives here.

/** @type {Record<string, string> | null} */
let texts = null;

/** @returns {Record<string, string>} */
function load() {
  const element = document.getElementById("texts");
  return element?.textContent ? JSON.parse(element.textContent) : {};
}

/** Whether the page has a text for `key`. @param {string} key */
export function has_text(key) {
  texts ??= load();
  return key in texts;
}

/**
 * The text for `key` with {name} placeholders filled in. An unknown key shows itself: a visible defect beats an empty button.
 * @param {string} key
 * @param {Record<string, string | number>} [placeholders]
 * @returns {string}
 */
export function t(key, placeholders = {}) {
  texts ??= load();
  const text = texts[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in placeholders ? String(placeholders[name]) : whole));
}

/** The language of the page, for Intl. */
export function page_language() {
  return document.documentElement.lang || "en";
}
