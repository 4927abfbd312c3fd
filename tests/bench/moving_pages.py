"""Two Chromiums in a call whose route can be moved: a page of its own in each, with a tone and a picture that never pause."""

from contextlib import AsyncExitStack

from playwright.async_api import Page, async_playwright

from tests.e2e.call_engine.group_server import GroupServer
from tests.e2e.test_call_engine import FLAGS, until

# The tone is the page's own: no made-up devices. The tab hears itself, so it must not be muted.
BROWSER_FLAGS = [*(flag for flag in FLAGS if "fake" not in flag), "--auto-accept-this-tab-capture"]


async def open_pages(stack: AsyncExitStack, server: GroupServer, fps: int) -> list[Page]:
    """Both pages, connected, the levels of what they hear in `engine.levels`."""
    playwright = await stack.enter_async_context(async_playwright())
    pages = []
    for me in ("anna", "ben"):
        browser = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", headless=True, ignore_default_args=["--mute-audio"], args=BROWSER_FLAGS
        )
        stack.push_async_callback(browser.close)
        page = await browser.new_page(viewport={"width": 900, "height": 600})
        await page.goto(server.url(me, fps=str(fps)))
        pages.append(page)
    for page in pages:
        await until(page, "engine.client.path.state === 'connected'", 20)
        await page.evaluate("engine.listen().then(({levels}) => { engine.levels = levels; })")
        await until(page, "engine.levels.length > 200", 10)
    return pages
