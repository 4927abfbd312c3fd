// Print and copy the recovery codes. Without JavaScript the file download remains.

for (const button of document.querySelectorAll("[data-print]")) {
  if (!(button instanceof HTMLButtonElement)) continue;
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

for (const button of document.querySelectorAll("[data-copy]")) {
  if (!(button instanceof HTMLButtonElement) || !navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const codes = document.querySelectorAll(`#${button.dataset.copy} code`);
    await navigator.clipboard.writeText([...codes].map((code) => code.textContent).join("\n"));
    const announce = document.getElementById("announce");
    if (announce) announce.textContent = button.dataset.copied ?? "";
  });
}
