"""What people see and hear of a move between the direct path and the server: the longest time without a new picture, silence and
doubled sound at the loudspeaker, each against the same call's own baseline; and against a control that breaks before it makes.

A continuous tone and a moving picture between two Chromiums over a real media server. Frames are those that are drawn
(requestVideoFrameCallback), sound is what the page's loudspeaker plays, all mixed (tab capture into an AudioWorklet, 5 ms).
Each kind of move is made in both directions equally often; building the other path beside the one in use counts as part of the move.
"""

import asyncio
import os
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from playwright.async_api import Page

from tests.bench import quality_monitor
from tests.bench.moving_pages import open_pages
from tests.bench.rows import Row, median, percentile
from tests.e2e.call_engine.group_server import GroupServer
from tests.e2e.test_call_engine import until

PAIRS = int(os.environ.get("ROUTE_MOVES", "20"))
FPS = 25
# The baseline takes about as long as a move: the longest of many gaps grows with their number.
WARM_S, CALM_S, AFTER_S = 2.5, 5.0, 1.5
WINDOW_MS = 5
# Below this share of the usual level it is silent, above that it is doubled.
SILENT, DOUBLED = 0.3, 1.3
CLOSE_ALL = (
    "engine.connections.filter(({connectionState}) => connectionState !== 'closed').forEach((one) => one.close())"
)


@dataclass
class Seen:
    """What one page showed over a stretch of time."""

    longest_gap_ms: float
    usual_gap_ms: float
    levels: list[float]

    def silence_ms(self, usual_level: float) -> float:
        return WINDOW_MS * longest_run(level < SILENT * usual_level for level in self.levels)

    def doubled_ms(self, usual_level: float) -> float:
        return WINDOW_MS * sum(level > DOUBLED * usual_level for level in self.levels)


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
        usual_level = median(calm.levels)
        self.silence_ms.append(max(0.0, moved.silence_ms(usual_level) - calm.silence_ms(usual_level)))
        self.doubled_ms.append(max(0.0, moved.doubled_ms(usual_level) - calm.doubled_ms(usual_level)))


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
        return Seen(longest_gap_ms=gaps[0]["longest_ms"], usual_gap_ms=gaps[0]["median_ms"], levels=levels)


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
        watches = [await Watch(page).begin() for page in self.pages]
        if make_first:
            await self.server.ask_for(p2p=not p2p, warm=True)
            await asyncio.sleep(WARM_S)
        else:
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
        call = Call(server, await open_pages(stack, server, FPS))
        p2p = True
        for pair in range(PAIRS):
            # The second pair the other way round: else one kind would always go to the server, the other always back.
            for name in list(found)[:: -1 if pair % 2 else 1]:
                p2p, measured = not p2p, found[name]
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
    return rows + quality_monitor.measure()
