"""REL-4: somebody's network gets another address while the call runs, as when a phone leaves the Wi-Fi.

Nobody is told: what was sent to the old address vanishes, relays and the socket included.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest
from playwright.async_api import expect

from tests.e2e import first_visit
from tests.e2e.chromium import Media, Person, person
from tests.e2e.group_visit import everyone_gets_everyone, invite, let_in, walk_in
from tests.e2e.lab_server import LAB_FLAGS, server_in
from tests.evidence import write_evidence
from tests.netsim.lab import WEB_HOST, Lab, SiteSpec
from tests.soak import scaled

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]

SITES = {"doctor": SiteSpec(), "patient": SiteSpec(), "guest": SiteSpec()}
SLOW_CAMERA = ("--use-fake-device-for-media-stream=device-count=1,fps=8",)
COUNT_CHIMES = """
window.__notes = 0;
const create = BaseAudioContext.prototype.createOscillator;
BaseAudioContext.prototype.createOscillator = function () { window.__notes += 1; return create.call(this); };
"""
# The goals of REL-4 for the 95th percentile, and what a single move may take on a busy machine.
GOAL_S = {"p2p": 5.0, "sfu": 8.0}
MOST_S = {"p2p": 9.0, "sfu": 12.0}
# Shorter, and the picture did not stand still.
GAP_S = 1.0
LOOK_EVERY_S = 0.1


@dataclass
class Moving:
    lab: Lab
    people: dict[str, Person]
    server: object
    took_s: dict[str, list[float]] = field(default_factory=dict)

    async def move(self, engine: str, *, who: str = "patient") -> None:
        """Give `who` another address; note how long until everybody's picture and sound go on for everybody."""
        watched = [one for one in self.people.values() if one.name == who or engine == "p2p"]
        clocks = {one.name: _Clock() for one in watched}
        for one in watched:
            clocks[one.name].note(await one.media())
        self.lab.site(who).move()
        moved_s = time.monotonic()

        while not all(clock.back_s for clock in clocks.values()):
            assert time.monotonic() - moved_s < 40, f"{engine}: media did not stop and come back: {clocks}"
            await asyncio.sleep(LOOK_EVERY_S)
            for one in watched:
                clocks[one.name].note(await one.media())
        self.took_s.setdefault(engine, []).append(max(clock.back_s or 0 for clock in clocks.values()) - moved_s)


@dataclass
class _Clock:
    """When media came again after they stood still: the first of three looks in which something new had arrived."""

    seen: tuple[int, int] = (0, 0)
    grew_s: float = 0
    stood_still: bool = False
    since_s: list[float] = field(default_factory=list)

    @property
    def back_s(self) -> float:
        """0 before."""
        return self.since_s[0] if self.stood_still and len(self.since_s) >= 3 else 0

    def note(self, media: Media) -> None:
        now_s, seen = time.monotonic(), (media.frames, media.packets)
        if seen[0] != self.seen[0] and seen[1] != self.seen[1] and seen[0]:
            self.since_s.append(now_s)
            self.grew_s, self.seen = now_s, seen
        elif now_s - self.grew_s > GAP_S:
            self.stood_still, self.since_s = True, []


@contextlib.asynccontextmanager
async def visit_of(*names: str) -> AsyncIterator[Moving]:
    """The doctor and the patient in a visit between two browsers; the others' browsers are there."""
    addresses = {"SFU_BIND_ADDRESS": WEB_HOST, "SFU_ADVERTISED_ADDRESSES": WEB_HOST}
    async with contextlib.AsyncExitStack() as stack:
        lab = stack.enter_context(Lab(media_server=WEB_HOST, **{name: SITES[name] for name in names}))
        server = stack.enter_context(server_in(lab, *(lab.site(name) for name in names), **addresses))
        people = {
            name: await stack.enter_async_context(
                person(name, executable=lab.site(name).browser_executable(), flags=(*LAB_FLAGS, *SLOW_CAMERA))
            )
            for name in names
        }
        for one in people.values():
            await one.context.add_init_script(COUNT_CHIMES)
        doctor, patient = people["doctor"], people["patient"]
        await first_visit.sign_in(doctor, server)
        await first_visit.open_visit(doctor, server)
        await first_visit.walk_to_waiting(patient, server)
        await let_in(doctor, patient)
        for one in (doctor, patient):
            await expect(one.page.get_by_test_id("route")).to_have_attribute("data-route", "direct", timeout=40_000)
            await one.sees_and_hears()
        yield Moving(lab, people, server)


async def notes(people: dict[str, Person]) -> dict[str, int]:
    return {name: await one.page.evaluate("window.__notes") for name, one in people.items()}


async def no_ghosts(moving: Moving, names: set[str]) -> None:
    """Each page shows everybody else once; the server has everybody admitted once."""
    for name in names:
        shown = moving.people[name].page.locator("[data-participant]:visible")
        await expect(shown).to_have_count(len(names) - 1, timeout=10_000)
    states = moving.server.run(  # type: ignore[attr-defined]
        "from consultations.rooms.models import Participant, Room; room = Room.objects.get(state='live'); "
        "print(*Participant.objects.filter(room=room).values_list('state', flat=True))"
    ).split()
    assert states == ["admitted"] * len(names)


def p95(values: list[float]) -> float:
    return sorted(values)[max(0, -(-len(values) * 95 // 100) - 1)]


async def move_often(times: int, *, judge: Callable[[Moving], None]) -> Moving:
    async with visit_of("doctor", "patient", "guest") as moving:
        people = moving.people
        pair = {name: people[name] for name in ("doctor", "patient")}
        guest = people.pop("guest")
        before = await notes(pair)
        for _ in range(times):
            await moving.move("p2p")
        assert await notes(pair) == before, "the chime was repeated"
        await no_ghosts(moving, set(pair))
        people["guest"] = guest
        await walk_in(guest.page, await invite(people["doctor"], role="interpreter", name="Ines Interpreter"))
        await let_in(people["doctor"], guest)
        for one in people.values():
            await expect(one.page.get_by_test_id("route")).to_have_attribute("data-route", "server", timeout=40_000)
        await everyone_gets_everyone(list(people.values()))
        before = await notes(people)
        for _ in range(times):
            await moving.move("sfu")
        assert await notes(people) == before, "the chime was repeated"
        await everyone_gets_everyone(list(people.values()))
        await no_ghosts(moving, set(people))
        print({engine: [round(s, 2) for s in took] for engine, took in moving.took_s.items()})
        judge(moving)
        return moving


async def test_a_new_address_costs_seconds_and_makes_no_ghosts():
    def judge(moving: Moving) -> None:
        for engine, took_s in moving.took_s.items():
            assert max(took_s) < MOST_S[engine], moving.took_s

    await move_often(1, judge=judge)


@pytest.mark.soak
async def test_twenty_new_addresses():
    def judge(moving: Moving) -> None:
        measured = {
            engine: {
                "moves": len(took),
                "median_s": round(sorted(took)[len(took) // 2], 2),
                "p95_s": round(p95(took), 2),
                "max_s": round(max(took), 2),
            }
            for engine, took in moving.took_s.items()
        }
        write_evidence("address_changes", "REL-4", {**measured, "load": os.getloadavg()[0]})
        for engine, took in moving.took_s.items():
            assert p95(took) <= GOAL_S[engine], measured

    await move_often(scaled(20), judge=judge)
