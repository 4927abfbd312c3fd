"""What people see and hear of a move between the direct path and the server: the longest time without a new picture, silence and
doubled sound at the loudspeaker, each against the same call's own baseline; and against a control that breaks before it makes.

A continuous tone and a moving picture between two Chromiums over a real media server. Frames are those that are drawn
(requestVideoFrameCallback), sound is what the page's loudspeaker plays, all mixed (tab capture into an AudioWorklet, 5 ms).
"""

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Page, async_playwright

from tests.bench.rows import Row, median, percentile
from tests.e2e.call_engine.group_server import GroupServer
from tests.e2e.test_call_engine import FLAGS, until

PAIRS = int(os.environ.get("ROUTE_MOVES", "20"))
FPS = 25
WARM_S, CALM_S, AFTER_S = 2.5, 1.5, 1.5
WINDOW_MS = 5
# Below this share of the usual level it is silent, above that it is doubled.
SILENT, DOUBLED = 0.3, 1.3
# The tone is the page's own: no made-up devices. The tab hears itself, so it must not be muted.
BROWSER_FLAGS = [*(flag for flag in FLAGS if "fake" not in flag), "--auto-accept-this-tab-capture"]
CLOSE_ALL = (
    "engine.connections.filter(({connectionState}) => connectionState !== 'closed').forEach((one) => one.close())"
)


@dataclass
class Seen:
    """What one page showed over a stretch of time."""

    longest_gap_ms: float
    usual_gap_ms: float
    silence_ms: float
    doubled_ms: float


@dataclass
class Measured:
    added_gap_ms: list[float] = field(default_factory=list)
    frame_ms: list[float] = field(default_factory=list)
    silence_ms: list[float] = field(default_factory=list)
    doubled_ms: list[float] = field(default_factory=list)
    failures: int = 0

    def add(self, calm: Seen, moved: Seen) -> None:
        self.added_gap_ms.append(max(0.0, moved.longest_gap_ms - calm.longest_gap_ms))
        self.frame_ms.append(moved.usual_gap_ms)
        self.silence_ms.append(max(0.0, moved.silence_ms - calm.silence_ms))
        self.doubled_ms.append(max(0.0, moved.doubled_ms - calm.doubled_ms))


class Watch:
    """Frames and sound of one page from now on."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def begin(self) -> "Watch":
        self.since_ms, self.first = await self.page.evaluate("[performance.now(), engine.levels.length]")
        return self

    async def end(self) -> Seen:
        gaps, levels = await self.page.evaluate(
            f"[engine.gaps({self.since_ms}), engine.levels.slice({self.first}).map(({{rms}}) => rms)]"
        )
        usual = median(levels) if levels else 0.0
        return Seen(
            longest_gap_ms=gaps[0]["longest_ms"],
            usual_gap_ms=gaps[0]["median_ms"],
            silence_ms=WINDOW_MS * longest_run(level < SILENT * usual for level in levels),
            doubled_ms=WINDOW_MS * sum(level > DOUBLED * usual for level in levels),
        )


def longest_run(marks: Iterator[bool]) -> int:
    longest = now = 0
    for mark in marks:
        now = now + 1 if mark else 0
        longest = max(longest, now)
    return longest


@dataclass
class Call:
    server: GroupServer
    pages: list[Page]

    async def watched(self, seconds: float) -> list[Seen]:
        watches = [await Watch(page).begin() for page in self.pages]
        await asyncio.sleep(seconds)
        return [await watch.end() for watch in watches]

    async def arrives(self, route: str) -> None:
        for page in self.pages:
            await until(page, f"engine.client.path.state === 'connected' && engine.client.path.route === '{route}'", 20)
            # What is seen comes over it, and the path before is closed.
            await until(
                page, "engine.connections.filter(({connectionState}) => connectionState !== 'closed').length === 1", 10
            )

    async def move(self, *, p2p: bool, make_first: bool) -> list[Seen]:
        """What both pages showed while the route moved."""
        if make_first:
            await self.server.ask_for(p2p=not p2p, warm=True)
            await asyncio.sleep(WARM_S)
        watches = [await Watch(page).begin() for page in self.pages]
        if not make_first:
            for page in self.pages:
                await page.evaluate(CLOSE_ALL)
        await self.server.ask_for(p2p=p2p, warm=False)
        await self.arrives("direct" if p2p else "server")
        await asyncio.sleep(AFTER_S)
        return [await watch.end() for watch in watches]


async def measure_moves() -> dict[str, Measured]:
    found = {"make_before_break": Measured(), "break_before_make": Measured()}
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(GroupServer(room_size=3, p2p=True, page="moving.html"))
        call = Call(server, await open_pages(stack, server))
        p2p = True
        for _ in range(PAIRS):
            for name, measured in found.items():
                p2p = not p2p
                calm = await call.watched(CALM_S)
                try:
                    moved = await call.move(p2p=p2p, make_first=name == "make_before_break")
                except AssertionError as error:
                    print(f"{name}: {str(error)[:300]}")
                    measured.failures += 1
                    await call.arrives("direct" if p2p else "server")
                    continue
                for before, after in zip(calm, moved, strict=True):
                    measured.add(before, after)
    return found


async def open_pages(stack: AsyncExitStack, server: GroupServer) -> list[Page]:
    playwright = await stack.enter_async_context(async_playwright())
    pages = []
    for me in ("anna", "ben"):
        browser = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", headless=True, ignore_default_args=["--mute-audio"], args=BROWSER_FLAGS
        )
        stack.push_async_callback(browser.close)
        page = await browser.new_page(viewport={"width": 900, "height": 600})
        await page.goto(server.url(me, fps=str(FPS)))
        pages.append(page)
    for page in pages:
        await until(page, "engine.client.path.state === 'connected'", 20)
        await page.evaluate("engine.listen().then(({levels}) => { engine.levels = levels; })")
        await until(page, "engine.levels.length > 200", 10)
    return pages


# --- what the monitor costs ---

TICKS = os.sysconf("SC_CLK_TCK")
EXTRA_PER_S, ROUNDS, ROUND_S = 40, 4, 5.0


def cpu_s(root_pid: int) -> float:
    """Seconds of CPU that this process and all below it have used."""
    stats: dict[int, tuple[int, float]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # it ended meanwhile
                continue
            stats[int(entry.name)] = (int(fields[1]), (int(fields[11]) + int(fields[12])) / TICKS)
    below, total = {root_pid}, 0.0
    while True:
        grown = below | {pid for pid, (parent, _) in stats.items() if parent in below}
        if grown == below:
            break
        below = grown
    for pid in below:
        total += stats.get(pid, (0, 0.0))[1]
    return total


async def measure_monitor() -> float:
    """Milliseconds of CPU of the whole browser that one reading costs: getStats, arithmetic, scores and the report."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(GroupServer(room_size=3, p2p=True, page="moving.html"))
        pages = await open_pages(stack, server)
        session = await pages[0].context.browser.new_browser_cdp_session()  # type: ignore[union-attr]
        processes = (await session.send("SystemInfo.getProcessInfo"))["processInfo"]
        browser_pid = next(row["id"] for row in processes if row["type"] == "browser")
        spent: dict[int, list[float]] = {0: [], EXTRA_PER_S: []}
        for _ in range(ROUNDS):
            for extra in spent:
                await pages[0].evaluate(f"engine.monitor({extra})")
                before, began = cpu_s(browser_pid), time.monotonic()
                await asyncio.sleep(ROUND_S)
                spent[extra].append((cpu_s(browser_pid) - before) / (time.monotonic() - began))
        await pages[0].evaluate("engine.monitor(0)")
    return max(0.0, 1000 * (median(spent[EXTRA_PER_S]) - median(spent[0])) / EXTRA_PER_S)


def measure() -> list[Row]:
    found = asyncio.run(measure_moves())
    rows = []
    for name, measured in found.items():
        frame = median(measured.frame_ms)
        context = (
            f"{len(measured.added_gap_ms)} moves as seen by a page, {measured.failures} failed, {FPS} fps sent, a picture"
            f" every {frame:.0f} ms seen, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
        )
        for what, values in (
            ("added_gap", measured.added_gap_ms),
            ("silence", measured.silence_ms),
            ("doubled", measured.doubled_ms),
        ):
            rows += [
                Row(f"route_move_{name}_{what}_p50", median(values), "ms", context),
                Row(f"route_move_{name}_{what}_p95", percentile(values, 95), "ms", context),
            ]
        rows.append(Row(f"route_move_{name}_failures", measured.failures, "moves", context))
    reading_ms: Any = asyncio.run(measure_monitor())
    about = f"CPU of the whole browser for {EXTRA_PER_S} more readings a second, {ROUNDS} turns of {ROUND_S:.0f} s each"
    rows.append(Row("quality_monitor_reading", reading_ms, "ms CPU", about))
    rows.append(Row("quality_monitor_share", reading_ms / 10, "% of core", f"{about}; one path, one reading a second"))
    return rows
