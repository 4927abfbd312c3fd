"""What encrypting frames costs a browser, and how soon a room has new keys when somebody goes."""

import asyncio
import time

from playwright.async_api import async_playwright

from tests.bench.rows import Row, median
from tests.e2e.call_engine.group_server import GroupServer
from tests.e2e.call_engine.tap import tapped
from tests.e2e.test_call_engine import FLAGS
from tests.e2e.test_sfu_engine import group

FRAMES_PER_S = 30
BITS_PER_S = 1_500_000
FRAMES = 1500
# How often each size is tried: eight browsers take two cores half a minute.
ROOMS = {2: 3, 4: 2, 8: 1}

# One after the other, as a pipe does it; the time includes waiting for the browser's crypto threads, so it is an upper limit.
SEAL_AND_OPEN = """async ([frames, bytes]) => {
  const {derive_key} = await import("/js/lib/sframe.js");
  const {SendingKey, open_frame, seal_frame} = await import("/js/lib/frame_crypto.js");
  const key = await derive_key(crypto.getRandomValues(new Uint8Array(16)), 2 ** 39);
  const sending = new SendingKey(key);
  const frame = new Uint8Array(bytes).fill(1);
  const run = async () => {
    const sealed = [];
    const started = performance.now();
    for (let n = 0; n < frames; n += 1) sealed.push(await seal_frame(sending, "video", frame));
    const between = performance.now();
    for (const one of sealed) await open_frame(() => key, "video", one);
    return [between - started, performance.now() - between];
  };
  await run();
  return run();
}"""


async def seal_and_open_ms() -> tuple[float, float]:
    """Milliseconds for one second of one 720p stream: (sealing, opening)."""
    async with GroupServer() as server, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", headless=True, args=FLAGS)
        page = await browser.new_page()
        await page.goto(f"http://localhost:{server.http.server_port}/css/base.css")
        sealing, opening = await page.evaluate(SEAL_AND_OPEN, [FRAMES, BITS_PER_S // 8 // FRAMES_PER_S])
        await browser.close()
        return sealing * FRAMES_PER_S / FRAMES, opening * FRAMES_PER_S / FRAMES


async def rekey_s(size: int) -> float:
    """Seconds from the removal of one of `size` people until everybody left sends with a new key, as the server sees it."""
    with tapped() as tap:
        async with group(GroupServer(room_size=max(4, size))) as people:
            names = [f"person{number}" for number in range(size)]
            for me in names:
                await people.join(me, media="audio")
            await people.connected(90)
            await asyncio.sleep(4)
            removed_s = time.monotonic()
            await people.server.remove(names[-1])
            await people.leave(names[-1])
            await asyncio.sleep(4)
    frames = tap.frames()
    took = []
    for me in names[:-1]:
        old = {frame.header[0] for frame in frames if frame.sender == me and frame.at_s < removed_s}
        new = [f.at_s for f in frames if f.sender == me and f.at_s > removed_s and f.header[0] not in old]
        took.append(min(new) - removed_s)
    return max(took)


def measure() -> list[Row]:
    sealing, opening = asyncio.run(seal_and_open_ms())
    stream = f"one 720p stream, {FRAMES_PER_S} frames of {BITS_PER_S // 8 // FRAMES_PER_S} B a second, headless Chromium; cryptography alone"
    rows = [
        Row("frame_sealing", sealing / 10, "% of a core", f"{stream}; upper limit"),
        Row("frame_opening", opening / 10, "% of a core", f"{stream}; upper limit"),
    ]
    for size, times in ROOMS.items():
        seconds = median([asyncio.run(rekey_s(size)) for _ in range(times)])
        rows.append(Row(f"rekey_{size}", seconds, "s", f"one of {size} is removed; all others send with new keys"))
    return rows
