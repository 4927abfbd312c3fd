// Small, typed wrappers of the DOM that every page needs: find, show, announce, focus.

/**
 * The element that matches, of the class the caller expects. Throws when the template lacks it: that is a bug, not a state.
 * @template {Element} T
 * @param {ParentNode} root
 * @param {string} selector
 * @param {{new (): T}} type
 * @returns {T}
 */
export function find(root, selector, type) {
  const element = root.querySelector(selector);
  if (!(element instanceof type)) throw new Error(`the page lacks ${selector}`);
  return element;
}

/** @param {ParentNode} root @param {string} selector */
export const find_html = (root, selector) => find(root, selector, HTMLElement);

/** @param {ParentNode} root @param {string} selector */
export const find_button = (root, selector) => find(root, selector, HTMLButtonElement);

/** @param {ParentNode} root @param {string} selector */
export const find_input = (root, selector) => find(root, selector, HTMLInputElement);

/**
 * Writes `text` into every child marked data-text="name". Only text, never markup.
 * @param {ParentNode} root @param {string} name @param {string} text
 */
export function write(root, name, text) {
  for (const element of root.querySelectorAll(`[data-text="${name}"]`)) {
    if (element.textContent !== text) element.textContent = text;
  }
}

/**
 * Shows or hides every child marked data-part="name".
 * @param {ParentNode} root @param {string} name @param {boolean} visible
 */
export function show(root, name, visible) {
  for (const element of root.querySelectorAll(`[data-part="${name}"]`)) {
    if (element instanceof HTMLElement) element.hidden = !visible;
  }
}

/** What is waiting for the next frame, by region: two people who come at once are both told. @type {Map<HTMLElement, string[]>} */
const unsaid = new Map();

/** Says `text` to screen readers, politely, or at once when it cannot wait. @param {string} text @param {{now?: boolean}} [options] */
export function announce(text, { now = false } = {}) {
  const region = document.getElementById(now ? "announce-now" : "announce");
  if (!region) return;
  const waiting = unsaid.get(region);
  if (waiting) {
    waiting.push(text);
    return;
  }
  unsaid.set(region, [text]);
  // The same sentence twice is silent unless the region empties in between.
  region.textContent = "";
  requestAnimationFrame(() => {
    region.textContent = (unsaid.get(region) ?? []).join(" ");
    unsaid.delete(region);
  });
}

/** Moves focus to a heading or region without a ring and without a jump of the page. @param {HTMLElement} element */
export function focus_on(element) {
  if (!element.hasAttribute("tabindex")) element.tabIndex = -1;
  element.focus({ preventScroll: true });
}

/** A button that is at work keeps its place and its name, and tells assistive tools. @param {HTMLElement} button @param {boolean} busy */
export function set_busy(button, busy) {
  if (busy) button.setAttribute("aria-busy", "true");
  else button.removeAttribute("aria-busy");
}
