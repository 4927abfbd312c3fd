// Moves the secret from the link's fragment, which no server sees, into the form and sends it: opening the link is the click.
// The button stays for whoever comes back with the browser's back button.

import { find, find_button, find_html, find_input } from "./dom.js";

const secret = location.hash.slice(1);
find_input(document, "#secret").value = secret;
find_html(document, "#no-secret").hidden = secret !== "";
find_button(document, "[data-testid=demo-sign-in]").disabled = secret === "";
// Out of the address bar and the history, in case somebody shares the screen.
history.replaceState(null, "", location.pathname);
if (secret !== "") find(document, "#demo-sign-in", HTMLFormElement).requestSubmit();
