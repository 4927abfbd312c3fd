"""Frames of the other person that a page really showed (requestVideoFrameCallback), and the longest pause between two."""

from dataclasses import dataclass

from tests.bench.rows import median
from tests.e2e.chromium import Person

# An element that is taken away shows no more frames: that is a pause as well, and is to be found.
WATCH = """() => {
  const video = document.querySelector("[data-participant] video:not(.tile__video--coming)");
  const shown = window.__shown_ms = [];
  const on_frame = () => { shown.push(performance.now()); video.requestVideoFrameCallback(on_frame); };
  video.requestVideoFrameCallback(on_frame);
}"""
PAUSES = """(since_ms) => {
  const now_ms = performance.now();
  const times = [since_ms, ...window.__shown_ms.filter((at_ms) => at_ms >= since_ms), now_ms];
  return times.slice(1).map((at_ms, index) => at_ms - times[index]);
}"""
# The sender's camera gives nothing for so long: what a break of the media looks like to the other side.
CUT = """async (cut_ms) => {
  const live = window.__connections.find((one) => one.connectionState === "connected");
  const sender = live.getSenders().find(({track}) => track?.kind === "video");
  const {track} = sender;
  await sender.replaceTrack(null);
  await new Promise((done) => setTimeout(done, cut_ms));
  await sender.replaceTrack(track);
}"""


@dataclass(frozen=True)
class Stretch:
    longest_ms: float
    usual_ms: float
    seconds: float


class ShownFrames:
    """Of one page, in stretches that `begin` and `end` bound."""

    def __init__(self, one: Person) -> None:
        self._page = one.page
        self._since_ms = 0.0

    async def watch(self) -> None:
        await self._page.evaluate(WATCH)

    async def begin(self) -> None:
        self._since_ms = await self._page.evaluate("performance.now()")

    async def end(self) -> Stretch:
        pauses = await self._page.evaluate(PAUSES, self._since_ms)
        return Stretch(max(pauses), median(pauses), sum(pauses) / 1000)

    async def cut_what_is_sent(self, cut_ms: float) -> None:
        """The control: a real gap for whoever looks at this page's person."""
        await self._page.evaluate(CUT, cut_ms)
