"""Looks at a page as it stands: axe-core, target sizes, reflow at 400 % zoom, stillness for who asked for it.

Everything runs through the debugger (`page.evaluate`), which a strict content policy does not stop; the page's own
policy stays as it is. Findings are collected, so that one walk through the site tells all of them.
"""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

from playwright.async_api import BrowserContext, Page

from tests.e2e.chromium import Person

AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
# WCAG 2.2 SC 1.4.10: 1280 x 1024 at 400 %.
ZOOMED = {"width": 320, "height": 256}
Scheme = Literal["light", "dark"]
# Each width and each palette once; `thorough` looks at all four pairs.
PAIRS: tuple[tuple[dict[str, int], Scheme], ...] = ((DESK, "light"), (PHONE, "dark"))
ALL_PAIRS: tuple[tuple[dict[str, int], Scheme], ...] = (*PAIRS, (DESK, "dark"), (PHONE, "light"))

RUN_AXE = """async (extra) => {
  const {violations} = await axe.run(document, {
    runOnly: {type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", ...extra]},
    resultTypes: ["violations"], preload: false, elementRef: false,
  });
  return violations.flatMap(({id, impact, nodes}) => nodes.map(({target, any}) =>
    `${impact} ${id}: ${target.join(" ")} ${any[0]?.message ?? ""}`));
}"""
# A target inside a sentence is exempt (SC 2.5.8); a box or button inside its label is as large as the label.
SMALL_TARGETS = """(least) => {
  const small = [];
  for (const element of document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [role=tab]")) {
    if (!element.checkVisibility({visibilityProperty: true}) || element.matches(".skip-link:not(:focus)")) continue;
    const style = getComputedStyle(element);
    if (element.matches("a") && style.display === "inline") {
      const around = element.parentElement.textContent.trim();
      if (around.length > element.textContent.trim().length) continue;
    }
    const box = (element.closest("label") ?? element).getBoundingClientRect();
    if (Math.min(box.width, box.height) + 0.5 < least) {
      const name = (element.getAttribute("data-testid") ?? element.id) || element.textContent.trim().slice(0, 30);
      small.push(`${element.localName} ${name}: ${Math.round(box.width)} x ${Math.round(box.height)} px, less than ${least}`);
    }
  }
  return small;
}"""
WIDER_THAN_THE_WINDOW = """() => {
  const wide = [];
  const width = document.documentElement.clientWidth;
  if (document.scrollingElement.scrollWidth > width) wide.push(`the page is ${document.scrollingElement.scrollWidth} px wide in ${width}`);
  for (const element of document.body.querySelectorAll("*")) {
    const box = element.getBoundingClientRect();
    if (box.width === 0 || (box.right <= width + 1 && box.left >= -1) || !element.checkVisibility({visibilityProperty: true})) continue;
    if (getComputedStyle(element).clipPath !== "none" || element.closest(".visually-hidden, .skip-link, video, svg")) continue;
    let parent = element.parentElement;
    // What scrolls by itself may be wider: tables and rows of tabs (SC 1.4.10 excepts them).
    while (parent && !["auto", "scroll"].includes(getComputedStyle(parent).overflowX)) parent = parent.parentElement;
    if (!parent || parent === document.body) wide.push(`${element.localName}.${element.className} reaches from ${Math.round(box.left)} to ${Math.round(box.right)} px`);
  }
  return wide.slice(0, 5);
}"""
MOVING = """() => {
  const longest = (list) => Math.max(...list.split(",").map(parseFloat));
  const moving = document.getAnimations().filter((one) => one.effect.getComputedTiming().duration > 0).map((one) => `runs: ${one.animationName ?? one.transitionProperty}`);
  for (const element of document.querySelectorAll("*")) {
    const style = getComputedStyle(element);
    const transition = style.transitionProperty !== "none" && longest(style.transitionDuration) > 0;
    const animation = style.animationName !== "none" && longest(style.animationDuration) > 0;
    if (transition || animation) moving.push(`${element.localName}.${element.className}: ${style.transitionDuration} ${style.animationName}`);
  }
  return [...new Set(moving)].slice(0, 5);
}"""
# What moved before stillness was asked for may end; then two frames, and palette and layout are those that were asked for.
SETTLE = """async () => {
  for (const one of document.getAnimations()) if (one.effect.getComputedTiming().endTime !== Infinity) one.finish();
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}"""
UNREACHABLE = """(selector) => {
  const hidden = [];
  for (const element of document.querySelectorAll(selector)) {
    if (!element.checkVisibility({visibilityProperty: true})) continue;
    element.scrollIntoView({block: "center", behavior: "instant"});
    const box = element.getBoundingClientRect();
    const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    if (!top || !(element.contains(top) || element.closest("label")?.contains(top))) hidden.push(`${element.localName} ${element.dataset.testid ?? element.textContent.trim()} is under ${top?.className ?? "the edge"}`);
  }
  window.scrollTo(0, 0);
  return hidden;
}"""


@cache
def axe_source() -> str:
    """Raises FileNotFoundError before `npm ci`."""
    return AXE.read_text()


async def new_page(one: Person, **options: object) -> Page:
    """A page of somebody else in the same browser process: own cookies, camera and microphone allowed."""
    context: BrowserContext = await one.browser.new_context(viewport=DESK, locale="en-GB", **options)
    await context.grant_permissions(["camera", "microphone"])
    return await context.new_page()


async def run_axe(page: Page, *more_tags: str) -> list[str]:
    """Every violation as "impact rule: element why", of WCAG 2.2 A and AA and of the tags named besides."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(axe_source())
    return list(await page.evaluate(RUN_AXE, list(more_tags)))


@contextlib.asynccontextmanager
async def shown_as(page: Page, size: dict[str, int], **media: str) -> AsyncIterator[None]:
    """The same document in another window size and with other wishes of its reader; afterwards as before."""
    before = page.viewport_size
    await page.set_viewport_size(size)
    await page.emulate_media(**media)
    await page.evaluate(SETTLE)
    try:
        yield
    finally:
        # The wish for stillness stays: a fade back to light would run into the next look.
        await page.emulate_media(color_scheme="light")
        if before:
            await page.set_viewport_size(before)


@dataclass
class Inspection:
    """`least_target_px` is 44 for patients and 24 for staff (ui.md); `more_tags` are axe's beyond WCAG 2.2 AA."""

    least_target_px: int = 24
    more_tags: tuple[str, ...] = ("best-practice",)
    findings: list[str] = field(default_factory=list)
    looked_at: list[str] = field(default_factory=list)

    async def look(self, page: Page, name: str, *, thorough: bool = False, reflow: bool = True) -> None:
        """Inspects the state the page is in, in light and dark, wide and narrow."""
        self.looked_at.append(name)
        for size, scheme in ALL_PAIRS if thorough else PAIRS:
            async with shown_as(page, size, color_scheme=scheme, reduced_motion="reduce"):
                where = f"{name} ({size['width']} px, {scheme})"
                self._note(where, await run_axe(page, *self.more_tags))
                self._note(where, await page.evaluate(SMALL_TARGETS, self.least_target_px))
                self._note(where, await page.evaluate(MOVING))
        if reflow:
            async with shown_as(page, ZOOMED, color_scheme="light", reduced_motion="reduce"):
                self._note(f"{name} (400 %)", await page.evaluate(WIDER_THAN_THE_WINDOW))
                self._note(
                    f"{name} (400 %)",
                    await page.evaluate(
                        UNREACHABLE, "main button, main .button, main input, main select, main textarea"
                    ),
                )

    def _note(self, where: str, found: list[str]) -> None:
        self.findings += [f"{where}: {text}" for text in found]

    def assert_nothing_found(self) -> None:
        assert not self.findings, "\n" + "\n".join(self.findings)
