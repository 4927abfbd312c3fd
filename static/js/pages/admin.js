// Administration: a table that is wider than its frame scrolls; whoever has no pointer scrolls it with the arrow keys.

for (const frame of document.querySelectorAll("#content .inline-group .tabular fieldset")) {
  if (!(frame instanceof HTMLElement)) continue;
  new ResizeObserver(() => {
    if (frame.scrollWidth > frame.clientWidth) frame.tabIndex = 0;
    else frame.removeAttribute("tabindex");
  }).observe(frame);
}
