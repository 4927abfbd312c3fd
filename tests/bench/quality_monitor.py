"""What it costs a browser to watch the quality of one path: CPU of all its processes, with and without more readings a second.

Turns with and without follow each other, and each pair of neighbours is one difference: what the machine does besides
changes slower than that. The picture is slow, so that little else varies.
"""

import asyncio
import os
import time
from contextlib import AsyncExitStack
from pathlib import Path

from playwright.async_api import Page

from tests.bench.moving_pages import open_pages
from tests.bench.rows import Row, median, percentile
from tests.e2e.call_engine.group_server import GroupServer

TICKS = os.sysconf("SC_CLK_TCK")
# Chromium answers getStats from memory for 50 ms: what is asked more often costs nothing.
EXTRA_PER_S, ROUNDS, ROUND_S = 18, 12, 4.0
FPS = 2


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


async def turn(page: Page, browser_pid: int, extra_per_s: int) -> tuple[float, float]:
    """Milliseconds of CPU and extra readings, both a second."""
    await page.evaluate(f"engine.monitor({extra_per_s})")
    readings = await page.evaluate("engine.readings()")
    before_s, began_s = cpu_s(browser_pid), time.monotonic()
    await asyncio.sleep(ROUND_S)
    took_s = time.monotonic() - began_s
    spent_ms = 1000 * (cpu_s(browser_pid) - before_s)
    return spent_ms / took_s, (await page.evaluate("engine.readings()") - readings) / took_s


async def measure_readings() -> list[float]:
    """Milliseconds of CPU that one reading cost: getStats, arithmetic, scores and the report; one value a pair of turns."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(GroupServer(room_size=3, p2p=True, page="moving.html"))
        page = (await open_pages(stack, server, FPS))[0]
        assert page.context.browser
        session = await page.context.browser.new_browser_cdp_session()
        processes = (await session.send("SystemInfo.getProcessInfo"))["processInfo"]
        browser_pid = next(row["id"] for row in processes if row["type"] == "browser")
        costs = []
        for _ in range(ROUNDS):
            calm_ms, _none = await turn(page, browser_pid, 0)
            busy_ms, readings = await turn(page, browser_pid, EXTRA_PER_S)
            assert readings > EXTRA_PER_S / 2, "the page did not read"
            costs.append((busy_ms - calm_ms) / readings)
        return costs


def measure() -> list[Row]:
    costs = asyncio.run(measure_readings())
    about = (
        f"CPU of the whole browser for {EXTRA_PER_S} more readings a second, {ROUNDS} pairs of turns of {ROUND_S:.0f} s, "
        f"{min(costs):.2f} to {max(costs):.2f} ms; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )
    return [
        Row("quality_monitor_reading_p50", median(costs), "ms CPU", about),
        Row("quality_monitor_reading_p95", percentile(costs, 95), "ms CPU", about),
        # One path is read once a second; 10 ms a second are one percent.
        Row("quality_monitor_share", median(costs) / 10, "% of core", about),
    ]
