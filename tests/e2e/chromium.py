"""Chromium for one person: a process of its own, camera and microphone made up, every peer connection countable."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright

EXECUTABLE = "/usr/bin/chromium"
FLAGS = [
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--no-sandbox",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
# Numbers come from getStats of every connection that a page made, not from pixels.
WATCH_CONNECTIONS = """
window.__connections = [];
const Native = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Native {
  constructor(...configuration) { super(...configuration); window.__connections.push(this); }
};
"""
COUNT = """async () => {
  const sum = {frames: 0, frames_sent: 0, audio_samples: 0, audio_energy: 0, packets: 0, local: "", remote: "", protocol: ""};
  for (const connection of window.__connections ?? []) {
    if (connection.connectionState === "closed") continue;
    const stats = await connection.getStats();
    for (const row of stats.values()) {
      if (row.type === "inbound-rtp") {
        sum.packets += row.packetsReceived ?? 0;
        if (row.kind === "video") sum.frames += row.framesDecoded ?? 0;
        else { sum.audio_samples += row.totalSamplesReceived ?? 0; sum.audio_energy += row.totalAudioEnergy ?? 0; }
      }
      else if (row.type === "outbound-rtp" && row.kind === "video") sum.frames_sent += row.framesEncoded ?? 0;
      // Firefox has no transport statistics; there the selected pair says so itself.
      else if (row.type === "transport" ? row.selectedCandidatePairId : row.type === "candidate-pair" && row.selected) {
        const pair = row.type === "transport" ? stats.get(row.selectedCandidatePairId) : row;
        const local = stats.get(pair.localCandidateId), remote = stats.get(pair.remoteCandidateId);
        sum.local = local.candidateType; sum.remote = remote.candidateType;
        sum.protocol = local.relayProtocol ?? local.protocol;
      }
    }
  }
  return sum;
}"""


@dataclass(frozen=True)
class Media:
    """Totals over a page's open connections since they were made."""

    frames: int
    frames_sent: int
    audio_samples: int
    audio_energy: float
    packets: int
    local: str  # candidate type of the selected pair: host, srflx, prflx, relay, or ""
    remote: str
    protocol: str  # how the relay is reached (udp, tcp, tls), else the pair's own

    @property
    def relayed(self) -> bool:
        return "relay" in (self.local, self.remote)


class Witness:
    """Whoever can tell what their own page decoded, in whichever browser."""

    name: str

    async def media(self) -> Media:
        raise NotImplementedError

    async def sees_and_hears(self, *, frames: int = 15, within_s: float = 20) -> Media:
        """Waits until that many more frames were decoded and sound came; the new totals. Raises AssertionError."""
        before = await self.media()
        now = before

        async def enough() -> bool:
            nonlocal now
            now = await self.media()
            # A path that was swapped starts at zero.
            start = before if now.frames >= before.frames else Media(0, 0, 0, 0.0, 0, "", "", "")
            return now.frames - start.frames >= frames and now.audio_energy > start.audio_energy

        await eventually(enough, within_s, lambda: f"{self.name} got no picture or sound: {before} -> {now}")
        return now


@dataclass
class Person(Witness):
    """One browser with one page; `problems` collects what the page complained about."""

    name: str
    browser: Browser
    context: BrowserContext
    page: Page
    problems: list[str]

    async def media(self) -> Media:
        return Media(**await self.page.evaluate(COUNT))

    async def click(self, testid: str, *, within_s: float = 15) -> None:
        await self.page.get_by_test_id(testid).click(timeout=within_s * 1000)

    async def sees(self, testid: str, *, within_s: float = 15) -> None:
        await self.page.get_by_test_id(testid).wait_for(state="visible", timeout=within_s * 1000)


async def eventually(condition: Callable[[], Awaitable[Any]], within_s: float, otherwise: Callable[[], str]) -> None:
    """Asks until it is true; the only place where a browser test waits on a clock."""
    deadline = time.monotonic() + within_s
    pause_s = 0.05
    while not await condition():
        assert time.monotonic() < deadline, otherwise()
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 1.5, 0.5)


@contextlib.asynccontextmanager
async def person(
    name: str,
    *,
    executable: str = EXECUTABLE,
    flags: tuple[str, ...] = (),
    camera: str = "",
    microphone: str = "",
    **context_options: Any,
) -> AsyncIterator[Person]:
    """A browser process with one page. `executable` may be a site's wrapper (tests/netsim); files need absolute paths."""
    arguments = [*FLAGS, *flags]
    if camera:
        arguments.append(f"--use-file-for-fake-video-capture={camera}")
    if microphone:
        arguments.append(f"--use-file-for-fake-audio-capture={microphone}")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, headless=True, args=arguments)
        try:
            options = {"viewport": {"width": 1280, "height": 800}, "locale": "en-GB", **context_options}
            context = await browser.new_context(**options)
            await context.grant_permissions(["camera", "microphone"])
            await context.add_init_script(WATCH_CONNECTIONS)
            page = await context.new_page()
            one = Person(name, browser, context, page, [])
            _listen(one)
            yield one
        finally:
            await browser.close()


def _listen(one: Person) -> None:
    def console(message: ConsoleMessage) -> None:
        if message.type == "error":
            one.problems.append(f"console: {message.text}")

    one.page.on("console", console)
    one.page.on("pageerror", lambda error: one.problems.append(f"exception: {error}"))
