// Tabs as the ARIA pattern wants them: arrows move, the panel follows at once.

/** @param {HTMLElement} tablist */
export function wire_tabs(tablist) {
  const tabs = [...tablist.querySelectorAll("[role=tab]")].filter((tab) => tab instanceof HTMLElement);
  for (const tab of tabs) tab.addEventListener("click", () => select_tab(tablist, tab.id));
  tablist.addEventListener("keydown", (event) => {
    const at = tabs.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const step = getComputedStyle(tablist).direction === "rtl" ? -1 : 1;
    /** @type {Record<string, number>} */
    const targets = { ArrowRight: at + step, ArrowLeft: at - step, Home: 0, End: tabs.length - 1 };
    const target = targets[event.key];
    if (at < 0 || target === undefined) return;
    event.preventDefault();
    const tab = tabs[(target + tabs.length) % tabs.length];
    if (!tab) return;
    select_tab(tablist, tab.id);
    tab.focus();
  });
}

/** @param {HTMLElement} tablist @param {string} id of the tab */
export function select_tab(tablist, id) {
  for (const tab of tablist.querySelectorAll("[role=tab]")) {
    if (!(tab instanceof HTMLElement)) continue;
    const chosen = tab.id === id;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
    const panel = document.getElementById(tab.getAttribute("aria-controls") ?? "");
    if (panel) panel.hidden = !chosen;
  }
}
