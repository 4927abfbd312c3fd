// Says in words why a passkey did not work. allauth's script does the ceremony and reports failures as an event.

/** @param {string} name */
function show(name) {
  for (const banner of document.querySelectorAll("[data-passkey-trouble]")) {
    if (banner instanceof HTMLElement) banner.hidden = banner.dataset.passkeyTrouble !== name;
  }
}

document.addEventListener("allauth.error", (event) => {
  if (!(event instanceof CustomEvent)) return;
  event.preventDefault();
  const name = event.detail?.exception?.name;
  if (name === "InvalidStateError") show("known");
  else show("PublicKeyCredential" in window ? "cancelled" : "unsupported");
});

if (!("PublicKeyCredential" in window)) show("unsupported");
