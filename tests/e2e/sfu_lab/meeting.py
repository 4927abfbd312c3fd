"""A visit of several people over the lab: a site and a browser process for each, the server in the middle."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Page, Playwright, async_playwright

from tests.e2e.call_engine.relay import ROOT
from tests.e2e.sfu_lab.record import Record
from tests.e2e.test_call_engine import FLAGS, until
from tests.netsim.lab import WEB_HOST, Lab, Site, SiteSpec

SAMPLE_MS = 250
START_S = 30


class Group:
    """The process of `group_process.py`."""

    def __init__(self, lab: Lab, room_size: int, fixed_bps: int) -> None:
        self.directory = lab.directory
        words = [WEB_HOST, str(room_size), str(lab.directory), str(fixed_bps)]
        self.process = lab.public.popen(
            [sys.executable, "-m", "tests.e2e.sfu_lab.group_process", *words],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            assert selector.select(START_S), "the group's process says nothing"
        self.url = self.process.stdout.readline().strip()
        assert self.url, "the group's process did not start"

    def samples(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.directory / "server.jsonl").read_text().splitlines()]

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(10)

    def repairs(self) -> list[tuple[str, int, int, int]]:
        """After `close`: (receiver, SSRC, number, number of what is repaired) of each retransmission."""
        return [tuple(json.loads(line)) for line in (self.directory / "repairs.jsonl").read_text().splitlines()]


@dataclass
class Meeting:
    lab: Lab
    group: Group
    playwright: Playwright
    pages: dict[str, Page] = field(default_factory=dict)
    marks: list[tuple[float, str]] = field(default_factory=list)
    joined_ms: dict[str, float] = field(default_factory=dict)
    _stack: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    def site(self, name: str) -> Site:
        return self.lab.site(name)

    async def join(self, name: str, *, voice: Path | None = None, **query: str) -> Page:
        """A browser in the person's network opens the page. `voice`: a sound file to speak with."""
        origin = self.group.url.split("/page/")[0]
        browser = await self.playwright.chromium.launch(
            executable_path=self.site(name).browser_executable(),
            headless=True,
            # Camera and microphone are to be had on secure pages only.
            args=[*FLAGS, f"--unsafely-treat-insecure-origin-as-secure={origin}"],
        )
        self._stack.push_async_callback(browser.close)
        page = self.pages[name] = await browser.new_page()
        if voice:
            await page.route("**/page/voice.wav", lambda route: route.fulfill(path=voice))
            query["voice"] = "voice.wav"
        extra = "".join(f"&{key}={value}" for key, value in {"sample": str(SAMPLE_MS), **query}.items())
        await page.goto(self.group.url.replace("{me}", name) + extra)
        self.joined_ms[name] = time.time() * 1000
        return page

    async def connected(self, timeout_s: float = 30) -> None:
        for page in self.pages.values():
            await until(page, "engine.client.path.state === 'connected'", timeout_s)

    async def show(self, name: str, heights: dict[str, int], pinned: str = "") -> None:
        """What this person's page shows of the others, in device pixels."""
        view = [
            {"participant": peer, "source": "camera", "height": height, "pinned": peer == pinned}
            for peer, height in heights.items()
        ]
        await self.pages[name].evaluate("(view) => engine.client.set_view(view)", view)

    def mark(self, what: str) -> float:
        """Notes a moment for the plot; ms since the epoch, as all times of a record."""
        self.marks.append((time.time() * 1000, what))
        return self.marks[-1][0]

    async def record(self) -> Record:
        """All that was measured so far."""
        pages = {name: await page.evaluate("engine.samples") for name, page in self.pages.items()}
        sizes = {name: await page.evaluate("engine.heights") for name, page in self.pages.items()}
        return Record(pages, self.group.samples(), sizes, list(self.marks))


@contextlib.asynccontextmanager
async def meeting(
    sites: dict[str, SiteSpec], *, room_size: int = 0, fixed_bps: int = 0, relay: bool = False
) -> AsyncIterator[Meeting]:
    """`sites` names the people. `fixed_bps`: the control without any estimation."""
    async with contextlib.AsyncExitStack() as stack:
        lab = stack.enter_context(Lab(relay=relay, **sites))
        group = Group(lab, room_size or len(sites), fixed_bps)
        stack.callback(group.close)
        playwright = await stack.enter_async_context(async_playwright())
        people = Meeting(lab, group, playwright)
        await stack.enter_async_context(people._stack)
        yield people
        for page in people.pages.values():
            assert await page.evaluate("engine.log.filter(({type}) => type === 'trouble')") == []


async def pause(seconds: float) -> None:
    """Time for the network to have its effect: what is measured is what happens meanwhile."""
    await asyncio.sleep(seconds)
