// Copies the patient's link. Without a clipboard the field can still be selected by hand.

import { announce, find_html, find_input, write } from "./dom.js";
import { t } from "./texts.js";

const button = find_html(document, "#copy");
const link = find_input(document, "#link");
button.hidden = !navigator.clipboard;
button.addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(link.value);
  } catch {
    link.select();
    return;
  }
  write(button, "copy", t("copied"));
  announce(t("copied"));
});
