"""Real browsers that make offers (offers.js). `python -m tests.media_routing.sdp.browsers` renews tests/.../offers/*.sdp."""

import asyncio
import contextlib
import http.server
import itertools
import re
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from tests.e2e.chromium import person
from tests.e2e.firefox.browser import firefox

HERE = Path(__file__).parent
OFFERS = HERE / "offers"
LEG = (HERE / "offers.js").read_text()
Evaluate = Callable[[str], Awaitable[Any]]


class _EmptyPage(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>leg</title>")

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def empty_page() -> Iterator[str]:
    """An address that may use the camera: browsers want a secure context, which localhost is."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _EmptyPage)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.asynccontextmanager
async def chromium_leg() -> AsyncIterator[Evaluate]:
    with empty_page() as url:
        async with person("leg") as one:

            async def start(expression: str) -> Any:
                await one.page.goto(url)
                await one.page.evaluate(LEG)
                return await one.page.evaluate(expression)

            yield _fresh(start, one.page.evaluate)


@contextlib.asynccontextmanager
async def firefox_leg() -> AsyncIterator[Evaluate]:
    with empty_page() as url:
        async with firefox("leg") as one:

            async def start(expression: str) -> Any:
                await one.goto(url)
                await one.evaluate(f"(() => {{ {LEG} }})()")
                return await one.evaluate(expression)

            yield _fresh(start, one.evaluate)


def _fresh(start: Evaluate, go_on: Evaluate) -> Evaluate:
    """Every new offer is made in a new document; everything else goes on in the last one."""

    async def evaluate(expression: str) -> Any:
        return await (start if expression.startswith("leg.offer") else go_on)(expression)

    return evaluate


def scrub(sdp: str) -> str:
    """The same offer with addresses of documentation (RFC 5737, RFC 3849)."""
    numbers = itertools.count(1)

    def other(found: re.Match[str]) -> str:
        address = f"2001:db8::{next(numbers)}" if ":" in found[2] else f"192.0.2.{next(numbers)}"
        return f"{found[1]}{address}"

    sdp = re.sub(r"(a=candidate:\S+ \d+ \S+ \d+ )(\S+)", other, sdp)
    sdp = re.sub(r"( raddr )(\S+)", other, sdp)
    sdp = re.sub(r"(c=IN IP[46] )(?!0\.0\.0\.0)\S+", r"\g<1>0.0.0.0", sdp)
    return re.sub(r"(a=rtcp:\d+ IN IP[46] )(?!0\.0\.0\.0)\S+", r"\g<1>0.0.0.0", sdp)


async def renew() -> None:
    OFFERS.mkdir(exist_ok=True)
    wanted = {
        "chromium-2-all-codecs": "leg.offer(2)",
        "chromium-5": "leg.offer(5, {filter: true})",
        "chromium-8": "leg.offer(8, {filter: true})",
        "chromium-2-data": "leg.offer(2, {filter: true, data: 'last'})",
    }
    async with chromium_leg() as evaluate:
        for name, expression in wanted.items():
            keep(name, await evaluate(expression))
        keep("chromium-2-data-restart", await evaluate("leg.restart()"))
    async with firefox_leg() as evaluate:
        for size in (2, 5, 8):
            keep(f"firefox-{size}", await evaluate(f"leg.offer({size})"))
        keep("firefox-8-restart", await evaluate("leg.restart()"))


def keep(name: str, sdp: str) -> None:
    (OFFERS / f"{name}.sdp").write_text(scrub(sdp), newline="")


if __name__ == "__main__":
    asyncio.run(renew())
