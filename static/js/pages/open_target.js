// Opens the <details> that the address points at: "Cancel the visit" in the day's list leads here.

const target = document.getElementById(location.hash.slice(1));
if (target instanceof HTMLDetailsElement) {
  target.open = true;
  target.querySelector("summary")?.focus();
}
