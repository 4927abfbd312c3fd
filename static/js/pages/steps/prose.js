// Plain text of the consent as paragraphs and lists: blank lines divide paragraphs, lines that start with "- " are a list.
// Text only: whatever stands in it can never become markup.

/** @param {HTMLElement} place @param {string} text */
export function write_prose(place, text) {
  place.replaceChildren(
    ...text.trim().split(/\n\s*\n/).filter(Boolean).flatMap((block) => {
      const lines = block.split("\n").map((line) => line.trim());
      const items = lines.filter((line) => line.startsWith("- "));
      const words = lines.filter((line) => !line.startsWith("- ")).join(" ");
      /** @type {HTMLElement[]} */
      const parts = [];
      if (words) parts.push(Object.assign(document.createElement("p"), { textContent: words }));
      if (items.length > 0) {
        const list = document.createElement("ul");
        list.append(...items.map((item) => Object.assign(document.createElement("li"), { textContent: item.slice(2) })));
        parts.push(list);
      }
      return parts;
    }),
  );
}
