"""Firefox for one person, led by driver.js (puppeteer-core over WebDriver BiDi): a process and a profile of its own."""

import asyncio
import contextlib
import itertools
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from tests.e2e.chromium import COUNT, WATCH_CONNECTIONS, Media, Witness, eventually

DRIVER = Path(__file__).with_name("driver.js")
NODE = Path(sys.prefix) / "bin" / "node"
# Longer than puppeteer waits itself (30 s): it then ends the browser whose process id we do not know yet.
START_LIMIT_S = 45
CLOSE_LIMIT_S = 10
LONGEST_LINE_BYTES = 2**20


class FirefoxError(Exception):
    """What driver.js answered instead of doing it."""


class Firefox(Witness):
    """One browser with one page. Elements are named by their data-testid, or by a selector where one is given."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self.version = ""
        self.browser_pid = 0
        # Of all documents since the start: addresses asked for, refusals by the content policy, errors.
        self.requested: list[str] = []
        self.violations: list[str] = []
        self.problems: list[str] = []
        self._process = process
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._ready = asyncio.get_running_loop().create_future()
        self._reader = asyncio.create_task(self._read())

    async def goto(self, url: str) -> None:
        await self._do("goto", url=url)

    async def reload(self) -> None:
        await self._do("reload")

    async def click(self, testid: str = "", *, selector: str = "", within_s: float = 15) -> None:
        await self._do("click", selector=selector or by_testid(testid), timeout_ms=within_s * 1000)

    async def fill(self, selector: str, text: str, *, within_s: float = 15) -> None:
        await self._do("fill", selector=selector, text=text, timeout_ms=within_s * 1000)

    async def sees(self, testid: str = "", *, selector: str = "", within_s: float = 15) -> None:
        await self._do("sees", selector=selector or by_testid(testid), timeout_ms=within_s * 1000)

    async def evaluate(self, expression: str) -> Any:
        """Its value, promises awaited."""
        return await self._do("eval", expression=expression)

    async def text(self, selector: str) -> str:
        """What is written there for the eye, "" without such an element."""
        return str(await self.evaluate(f"document.querySelector({json.dumps(selector)})?.innerText.trim() ?? ''"))

    async def becomes(self, expression: str, wanted: Any, *, within_s: float = 15) -> None:
        seen = None

        async def same() -> bool:
            nonlocal seen
            seen = await self.evaluate(expression)
            return bool(seen == wanted)

        await eventually(same, within_s, lambda: f"{self.name}: {expression} is {seen!r}, not {wanted!r}")

    async def text_becomes(self, testid: str, wanted: str, *, within_s: float = 15) -> None:
        seen = ""

        async def there() -> bool:
            nonlocal seen
            seen = await self.text(by_testid(testid))
            return wanted in seen

        await eventually(there, within_s, lambda: f"{self.name}: {testid} says {seen!r}, not {wanted!r}")

    async def media(self) -> Media:
        return Media(**await self.evaluate(f"({COUNT})()"))

    async def screenshot(self, path: Path) -> None:
        await self._do("screenshot", path=str(path))

    async def start(self) -> None:
        """Raises FirefoxError with the driver's last words."""
        try:
            ready = await asyncio.wait_for(self._ready, START_LIMIT_S)
        except TimeoutError:
            raise FirefoxError(f"Firefox did not start within {START_LIMIT_S} s") from None
        self.browser_pid, self.version = ready["pid"], ready["version"]
        await self._do("before_each_page", source=WATCH_CONNECTIONS)

    async def end(self) -> None:
        """Closes the browser; kills what does not go by itself."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), CLOSE_LIMIT_S)
        # The browser leads a process group of its own, so that the driver's end does not end it.
        for group in (self._process.pid, self.browser_pid):
            if group:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(group, signal.SIGKILL)
        await self._process.wait()
        await self._reader

    async def _do(self, command: str, **arguments: Any) -> Any:
        assert self._process.stdin is not None
        if self._reader.done():
            raise FirefoxError(f"{self.name}: {command}: the driver has ended")
        number = next(self._ids)
        self._answers[number] = asyncio.get_running_loop().create_future()
        line = json.dumps({"id": number, "do": command, **arguments})
        self._process.stdin.write(line.encode() + b"\n")
        answer = await self._answers[number]
        if not answer["ok"]:
            raise FirefoxError(f"{self.name}: {command} {arguments}: {answer['error']}")
        return answer["value"]

    async def _read(self) -> None:
        assert self._process.stdout is not None
        lists = {"request": self.requested, "violation": self.violations, "problem": self.problems}
        async for line in self._process.stdout:
            message = json.loads(line)
            if "id" in message:
                self._answers.pop(message["id"]).set_result(message)
            elif message["event"] == "ready":
                self._ready.set_result(message)
            else:
                lists[message["event"]].append(message["text"])
        gone = FirefoxError(f"{self.name}: the driver has ended")
        for waiting in (self._ready, *self._answers.values()):
            if not waiting.done():
                waiting.set_exception(gone)


def by_testid(testid: str) -> str:
    return f'[data-testid="{testid}"]'


@contextlib.asynccontextmanager
async def firefox(name: str, *, width: int = 390, height: int = 844) -> AsyncIterator[Firefox]:
    """A running Firefox; nothing of it is left afterwards, neither process nor file."""
    home = Path(tempfile.mkdtemp(prefix="telemed-firefox-"))
    profile = home / "profile"
    profile.mkdir()
    try:
        with (home / "driver.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                NODE,
                DRIVER,
                profile,
                str(width),
                str(height),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                limit=LONGEST_LINE_BYTES,
                env={**os.environ, "HOME": str(home), "TMPDIR": str(home), "MOZ_CRASHREPORTER_DISABLE": "1"},
                start_new_session=True,
            )
        one = Firefox(name, process)
        try:
            await one.start()
            yield one
        except FirefoxError:
            print((home / "driver.log").read_text(errors="replace")[-4000:], file=sys.stderr)
            raise
        finally:
            await one.end()
    finally:
        shutil.rmtree(home, ignore_errors=True)
