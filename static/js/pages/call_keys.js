// Single keys for the call (M, V, and A on the practitioner's page). They can be switched off: speech input and unsteady
// hands press letters by accident (WCAG 2.1.4). Escape is never bound: it must not hang up.

let enabled = true;

export const single_keys = {
  get enabled() { return enabled; },
  /** @param {boolean} on */
  set enabled(on) { enabled = on; },
};

/** @param {EventTarget|null} target */
function takes_letters(target) {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches("input:not([type=radio], [type=checkbox], [type=button]), textarea, select"));
}

/**
 * Calls `handlers[key]` for a letter that is not typed into something and not part of a shortcut of the browser.
 *
 * @param {Record<string, () => void>} handlers by lower-case letter
 * @returns {() => void} stops listening
 */
export function listen_for_keys(handlers) {
  /** @param {KeyboardEvent} event */
  const on_key = (event) => {
    if (!enabled || event.defaultPrevented || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    if (takes_letters(event.target) || document.querySelector("dialog[open]")) return;
    const handler = handlers[event.key.toLowerCase()];
    if (!handler) return;
    event.preventDefault();
    handler();
  };
  document.addEventListener("keydown", on_key);
  return () => document.removeEventListener("keydown", on_key);
}
