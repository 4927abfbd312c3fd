"""REL-4: somebody's network gets another address while the call runs, as when a phone leaves the Wi-Fi.

Nobody is told: what was sent to the old address vanishes, relays and the socket included.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from playwright.async_api import expect

from tests.e2e import first_visit
from tests.e2e.chromium import Media, Person, person
from tests.e2e.lab_server import LAB_FLAGS, server_in
from tests.e2e.server import AppServer
from tests.e2e.test_recording import rows
from tests.evidence import write_evidence
from tests.netsim.lab import WEB_HOST, Lab, SiteSpec
from tests.soak import scaled

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]

SITES = {"doctor": SiteSpec(), "patient": SiteSpec()}
ROUTES = {"p2p": "direct", "sfu": "server"}
ON_THE_SERVER = "from consultations.appointments.models import VisitType; VisitType.objects.update(is_group=True)"
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
STEADY_S, LOSS_SHOWS_S, GIVE_UP_S = 2.5, 2.5, 40.0
LOOK_EVERY_S = 0.1
# Poor for 10 s and a better path beside it move a visit; what is lost at first must not be what is looked at.
SETTLES_S, DECIDED_BY_S = 8.0, 20.0


@dataclass
class Moving:
    lab: Lab
    engine: str
    people: dict[str, Person]
    server: AppServer
    took_s: list[float] = field(default_factory=list)

    async def move(self) -> None:
        """Give the patient another address; note how long until picture and sound go on for both, and stay."""
        self.lab.site("patient").move()
        moved_s = time.monotonic()
        flows = {name: _Flow(moved_s) for name in self.people}
        while not all(flow.is_steady(time.monotonic()) for flow in flows.values()):
            assert time.monotonic() - moved_s < GIVE_UP_S, f"media did not come back: {flows}"
            await asyncio.sleep(LOOK_EVERY_S)
            for name, one in self.people.items():
                flows[name].note(await one.media())
        self.took_s.append(max(flow.back_s for flow in flows.values()) - moved_s)


@dataclass
class _Flow:
    """Picture and sound of one page after a move. `back_s`: when the last pause ended; the move itself while there was none."""

    moved_s: float
    back_s: float = 0
    newest_s: float = 0
    seen: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        self.back_s = self.newest_s = self.moved_s

    def note(self, media: Media) -> None:
        now_s, seen = time.monotonic(), (media.frames, media.packets)
        if self.seen is not None and (seen[0] == self.seen[0] or seen[1] == self.seen[1]):
            return
        if now_s - self.newest_s > GAP_S:
            self.back_s = now_s
        self.newest_s, self.seen = now_s, seen

    def is_steady(self, now_s: float) -> bool:
        # What comes back for a moment has not come back; and a loss may show late.
        return now_s - max(self.back_s, self.moved_s + LOSS_SHOWS_S) >= STEADY_S and now_s - self.newest_s <= GAP_S


@contextlib.asynccontextmanager
async def visit_over(engine: str, *, media_server: bool = True) -> AsyncIterator[Moving]:
    """The doctor and the patient in a visit, between the two browsers or on the media server; or with none in reach."""
    addresses = {"SFU_BIND_ADDRESS": WEB_HOST, "SFU_ADVERTISED_ADDRESSES": WEB_HOST} if media_server else {}
    async with contextlib.AsyncExitStack() as stack:
        lab = stack.enter_context(Lab(media_server=WEB_HOST, **SITES))
        server = stack.enter_context(server_in(lab, *(lab.site(name) for name in SITES), **addresses))
        people = {
            name: await stack.enter_async_context(
                person(name, executable=lab.site(name).browser_executable(), flags=(*LAB_FLAGS, *SLOW_CAMERA))
            )
            for name in SITES
        }
        for one in people.values():
            await one.context.add_init_script(COUNT_CHIMES)
        doctor, patient = people.values()
        await first_visit.sign_in(doctor, server)  # the demo's link leads to a visit of two
        if engine == "sfu":
            server.run(ON_THE_SERVER)
        await first_visit.open_visit(doctor, server)
        await first_visit.walk_to_waiting(patient, server)
        await first_visit.admit(doctor)
        for one in people.values():
            shown = one.page.get_by_test_id("route")
            await expect(shown).to_have_attribute("data-route", ROUTES[engine], timeout=40_000)
            await one.sees_and_hears()
        yield Moving(lab, engine, people, server)


async def notes(people: dict[str, Person]) -> dict[str, int]:
    return {name: await one.page.evaluate("window.__notes") for name, one in people.items()}


async def no_ghosts(moving: Moving) -> None:
    """Each page shows the other once; the server has everybody admitted once."""
    for one in moving.people.values():
        await expect(one.page.locator("[data-participant]:visible")).to_have_count(1, timeout=10_000)
    states = moving.server.run(
        "from consultations.rooms.models import Participant, Room; room = Room.objects.get(state='live'); "
        "print(*Participant.objects.filter(room=room).values_list('state', flat=True))"
    ).split()
    assert states.count("admitted") == len(moving.people)


def p95(values: list[float]) -> float:
    return sorted(values)[max(0, -(-len(values) * 95 // 100) - 1)]


async def move_often(engine: str, times: int) -> Moving:
    # A direct path that is interrupted several times a minute is left for the server: here it has to mend itself.
    async with visit_over(engine, media_server=engine == "sfu") as moving:
        before = await notes(moving.people)
        for _ in range(times):
            await moving.move()
        assert await notes(moving.people) == before, "the chime was repeated"
        for one in moving.people.values():
            await one.sees_and_hears()
        await no_ghosts(moving)
        print(engine, [round(seconds, 2) for seconds in moving.took_s], f"load {os.getloadavg()[0]:.1f}")
        return moving


# Five of them; the soak makes twenty on each route.
@pytest.mark.parametrize(("engine", "times"), [("p2p", 3), ("sfu", 2)])
async def test_a_new_address_costs_seconds_and_makes_no_ghosts(engine, times):
    moving = await move_often(engine, times)
    assert max(moving.took_s) < MOST_S[engine]


@pytest.mark.soak
async def test_one_new_address_moves_nobody_to_the_server():
    """The direct path was unacceptable for seconds, and is well again: what was lost meanwhile is no reason to leave it."""
    async with visit_over("p2p") as moving:
        await asyncio.sleep(SETTLES_S)
        moved_s = time.monotonic()
        await moving.move()
        await asyncio.sleep(max(0, moved_s + DECIDED_BY_S - time.monotonic()))
        for one in moving.people.values():
            assert await one.page.get_by_test_id("route").get_attribute("data-route") == "direct"
            await one.sees_and_hears()
        steps = [(row["trigger"], row["route"]) for row in rows(moving.server, "rooms_routedecision")]
        print(f"after {moving.took_s[0]:.1f} s, load {os.getloadavg()[0]:.1f}: {steps}")
        assert "sfu" not in {route for _, route in steps}, steps


@pytest.mark.soak
@pytest.mark.parametrize("engine", ROUTES)
async def test_twenty_new_addresses(engine):
    took_s = sorted((await move_often(engine, scaled(20))).took_s)
    measured = {
        "moves": len(took_s),
        "median_s": round(took_s[len(took_s) // 2], 2),
        "p95_s": round(p95(took_s), 2),
        "max_s": round(took_s[-1], 2),
        "load": round(os.getloadavg()[0], 1),
    }
    write_evidence(f"address_changes_{engine}", "REL-4", measured)
    assert p95(took_s) <= GOAL_S[engine], measured
