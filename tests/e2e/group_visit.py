"""A visit of many as they live it: the practitioner invites, each opens a link of their own, is let in, and is seen."""

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Page, expect
from playwright.async_api import TimeoutError as PlaywrightTimeout

from tests.e2e.chromium import Person, eventually
from tests.e2e.first_visit import admit, fill_details

# Pictures of others by the tile they are in, and what this page sends: all of its open connections together.
LOOK = """async () => {
  const found = {received: {}, sent_bytes: 0, connections: 0, layers: {}};
  for (const connection of window.__connections ?? []) {
    if (connection.connectionState === "closed") continue;
    found.connections += 1;
    for (const row of (await connection.getStats()).values()) {
      if (row.type === "inbound-rtp") {
        found.received[`${row.kind} ${row.trackIdentifier}`] = row.kind === "video" ? row.framesDecoded ?? 0 : row.totalAudioEnergy ?? 0;
      }
      if (row.type === "outbound-rtp") found.sent_bytes += row.bytesSent + (row.headerBytesSent ?? 0);
      if (row.type === "outbound-rtp" && row.kind === "video" && row.rid) found.layers[row.rid] = row.framesEncoded ?? 0;
    }
  }
  const tiles = [];
  for (const tile of document.querySelectorAll("[data-participant]")) {
    const video = tile.querySelector("video"), audio = tile.querySelector("audio") ?? video;
    const track = (element, kind) => (element?.srcObject?.getTracks() ?? []).find((one) => one.kind === kind)?.id ?? "";
    tiles.push({id: tile.dataset.participant, video: track(video, "video"), audio: track(audio, "audio") || track(video, "audio")});
  }
  return {...found, tiles};
}"""


@dataclass
class Guest:
    """Somebody with a browser and a role in the visit."""

    person: Person
    role: str
    shown_as: str


@dataclass
class Group:
    doctor: Person
    guests: dict[str, Guest] = field(default_factory=dict)

    @property
    def people(self) -> list[Person]:
        return [self.doctor, *(guest.person for guest in self.guests.values())]


async def invite(doctor: Person, *, role: str, name: str) -> str:
    """The one-time link that the practitioner gets for a guest."""
    page = doctor.page
    if not await page.get_by_test_id("invite").is_visible():
        await page.get_by_role("tab", name="People").click()
    await doctor.click("invite")
    dialog = page.get_by_test_id("invite-dialog")
    await dialog.locator(f"[name=role][value={role}]").check()
    await dialog.locator("[name=name]").fill(name)
    await doctor.click("invite-create")
    link = page.get_by_test_id("invite-link")
    await expect(link).not_to_have_value("", timeout=10_000)
    url = await link.input_value()
    await dialog.locator("[data-part=invite_done] [data-action=close_invite]").click()
    return url


async def walk_in(page: Page, url: str, within_s: float = 60) -> None:
    """From a link to the waiting room, whatever this role is asked on the way."""
    await page.goto(url)
    deadline = time.monotonic() + within_s
    while not await page.get_by_test_id("waiting").is_visible():
        assert time.monotonic() < deadline, await page.locator("body").inner_text()
        for step in ("join-continue", "details-continue", "device-check-done", "consent-agree"):
            button = page.get_by_test_id(step)
            if await button.is_visible() and await button.is_enabled():
                if (
                    step == "details-continue"
                    and await page.locator("[data-step=details] [name=location]").is_visible()
                ):
                    await fill_details(page)
                with contextlib.suppress(PlaywrightTimeout):  # the step went on by itself meanwhile
                    await button.click(timeout=2000)
                break
        await asyncio.sleep(0.1)


async def let_in(doctor: Person, guest: Person) -> None:
    await doctor.sees("admit", within_s=20)
    await admit(doctor)
    await guest.sees("call", within_s=20)


async def look(one: Person) -> dict[str, Any]:
    found: dict[str, Any] = await one.page.evaluate(LOOK)
    return found


async def everyone_gets_everyone(people: list[Person], within_s: float = 60) -> None:
    """Each page decodes new pictures and sound in one tile for each of the others."""
    before = {one.name: await look(one) for one in people}
    missing: list[str] = []

    async def all_there() -> bool:
        missing.clear()
        for one in people:
            now = await look(one)
            tiles = [tile for tile in now["tiles"] if tile["video"] or tile["audio"]]
            if len(tiles) != len(people) - 1:
                missing.append(f"{one.name} shows {len(tiles)} others")
            for tile in tiles:
                for kind in ("video", "audio"):
                    track = f"{kind} {tile[kind]}"
                    start = before[one.name]["received"].get(track, 0)
                    if now["received"].get(track, 0) <= start:
                        missing.append(f"{one.name} gets no {kind} of {tile['id'][:6]}")
        return not missing

    await eventually(all_there, within_s, lambda: "; ".join(missing))


async def upload_bps(one: Person, seconds: float = 4.0) -> float:
    """What this page sends, averaged."""
    before, started = (await look(one))["sent_bytes"], time.monotonic()
    await asyncio.sleep(seconds)
    return float(((await look(one))["sent_bytes"] - before) * 8 / (time.monotonic() - started))
