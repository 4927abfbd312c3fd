"""The route moves while the call runs, on the product's own pages: to the clinic's server and back, and nobody notices."""

from typing import Any

import pytest
from playwright.async_api import expect

from tests.e2e.chromium import Person, eventually, person
from tests.e2e.first_visit import admit, connected, open_visit, sign_in, walk_to_waiting
from tests.e2e.group_visit import everyone_gets_everyone, invite, let_in, walk_in
from tests.e2e.server import AppServer
from tests.e2e.test_recording import press_record

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

SLOW_CAMERA = ("--use-fake-device-for-media-stream=device-count=1,fps=10",)
# A minute of good connection is what people wait for; a test does not.
SOON = {"SWITCH_BACK_AFTER_S": "4", "SWITCH_AT_MOST_EVERY_S": "3"}
# Every privacy badge that was ever shown, with the time and the route of that moment, every word to compare, and the longest
# time without a new picture.
WATCH = """() => {
  const fact = document.querySelector("[data-fact=privacy]");
  const badge = () => [Math.round(performance.now()), fact.dataset.privacy, document.querySelector("[data-testid=route]").dataset.route];
  const seen = window.__seen = {badges: [badge()], words: [], longest_ms: 0, last_ms: 0, frames: 0};
  new MutationObserver(() => seen.badges.push(badge())).observe(fact, {attributes: true, attributeFilter: ["data-privacy"]});
  const words = document.querySelector("[data-part=safety_words]");
  const read = () => { const text = words.textContent.trim(); if (text) seen.words.push(text); };
  read();
  new MutationObserver(read).observe(words, {childList: true});
  const count = () => {
    const now = performance.now();
    if (seen.last_ms) seen.longest_ms = Math.max(seen.longest_ms, now - seen.last_ms);
    seen.last_ms = now;
    seen.frames += 1;
  };
  const watched = new WeakSet();
  const look = () => {
    for (const video of document.querySelectorAll("[data-testid=remote-video]")) {
      if (watched.has(video)) continue;
      watched.add(video);
      const on_frame = () => {
        if (video.dataset.testid === "remote-video" && video.isConnected) count();
        video.requestVideoFrameCallback(on_frame);
      };
      video.requestVideoFrameCallback(on_frame);
    }
  };
  look();
  new MutationObserver(look).observe(document.querySelector("[data-part=tiles]"), {childList: true, subtree: true, attributes: true, attributeFilter: ["data-testid"]});
}"""


async def seen_by(one: Person) -> dict[str, Any]:
    found: dict[str, Any] = await one.page.evaluate("window.__seen")
    return found


async def goes(*people: Person, route: str, within_s: float = 40) -> None:
    """Each page says that it is connected that way, and picture and sound of the other come."""
    for one in people:
        await expect(one.page.get_by_test_id("route")).to_have_attribute("data-route", route, timeout=within_s * 1000)
    for one in people:
        await one.sees_and_hears()

    async def one_connection() -> bool:
        open_now = "window.__connections.filter(({connectionState}) => connectionState !== 'closed').length"
        return [await one.page.evaluate(open_now) for one in people] == [1] * len(people)

    await eventually(one_connection, 15, lambda: "the path before is still open")


async def test_a_third_person_and_a_recording_come_and_go() -> None:
    with AppServer(**SOON) as server:
        async with (
            person("doctor", flags=SLOW_CAMERA, viewport={"width": 1440, "height": 900}) as doctor,
            person("patient", flags=SLOW_CAMERA) as patient,
        ):
            two = (doctor, patient)
            await sign_in(doctor, server)
            await open_visit(doctor, server)
            await walk_to_waiting(patient, server)
            await admit(doctor)
            await connected(*two)
            for one in two:
                await expect(one.page.locator("[data-fact=privacy]")).to_have_attribute(
                    "data-privacy", "e2e_direct", timeout=10_000
                )
                await one.page.evaluate(WATCH)

            async with person("guest", flags=SLOW_CAMERA) as guest:
                await walk_in(guest.page, await invite(doctor, role="interpreter", name="Ines Interpreter"))
                await let_in(doctor, guest)
                await everyone_gets_everyone([*two, guest])
                await goes(*two, guest, route="server")
                await guest.click("leave")
            await goes(*two, route="direct")

            await press_record(doctor)
            for one in two:
                await one.click("recording-agree")
            for one in two:
                await expect(one.page.get_by_test_id("recording-mark")).to_be_visible(timeout=10_000)
            await goes(*two, route="server")
            await press_record(doctor)
            for one in two:
                await expect(one.page.get_by_test_id("recording-mark")).to_be_hidden(timeout=10_000)
            await goes(*two, route="direct")

            for one in two:
                seen = await seen_by(one)
                print(
                    one.name,
                    {name: seen[name] for name in ("words", "longest_ms", "frames")},
                    [
                        row
                        for row, before in zip(seen["badges"], [None, *seen["badges"][:-1]], strict=True)
                        if not before or row[1:] != before[1:]
                    ],
                )
                badges = {badge for _, badge, _ in seen["badges"]}
                # Never "proving": until the new connection is shown, what was proved of the one before is told.
                assert badges == {"e2e_direct", "e2e_server", "recorder_key"}
                # A third person has keys of their own; the words of the two are the same before and after every move.
                assert seen["words"][-1] == seen["words"][0], seen["words"]
                assert seen["longest_ms"] < 1500, seen["longest_ms"]
                assert [text for text in one.problems if "exception" in text or "Content Security Policy" in text] == []
