"""REL-6: who has a call on a process that ends is told 5 min and 1 min before, and nobody else."""

import types
from typing import Any

import pytest
from autobahn.exception import Disconnected

from consultations.rooms.consumers import VisitConsumer
from consultations.rooms.nodes import keeper
from consultations.rooms.nodes.keeper import NodeKeeper
from consultations.rooms.sweeper import sweeper
from consultations.rooms.today_consumer import TodayConsumer

CALL = "room-with-media"


class Clock:
    """Time goes on only by sleeping."""

    now_s = 0.0

    def monotonic(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds


class Calls:
    """Stands where the media service stands."""

    def __init__(self) -> None:
        self.rooms = frozenset({CALL})
        self.is_draining = False

    def drain(self) -> None:
        self.is_draining = True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(keeper, "time", clock)
    monkeypatch.setattr(keeper, "asyncio", types.SimpleNamespace(sleep=clock.sleep))
    return clock


class Told(VisitConsumer):
    """The real socket of a visit, without a network: (when, what) it sent."""

    def __init__(self, code: str, clock: Clock) -> None:
        super().__init__()
        self.scope = {"url_route": {"kwargs": {"code": code}}}
        self.clock = clock
        self.told: list[tuple[float, str | None]] = []

    async def send(self, text_data: str | None = None, bytes_data: bytes | None = None, close: bool = False) -> None:
        self.told.append((self.clock.now_s, text_data))


class Gone(Told):
    """Its browser went away a moment ago."""

    async def send(self, *args: Any, **fields: Any) -> None:
        raise Disconnected("gone")


class ToldToday(TodayConsumer):
    def __init__(self) -> None:
        super().__init__()
        self.told: list[str | None] = []

    async def send(self, text_data: str | None = None, bytes_data: bytes | None = None, close: bool = False) -> None:
        self.told.append(text_data)


def notice(in_ms: int) -> str:
    return f'{{"type":"notice","code":"restart","in_ms":{in_ms}}}'


async def drain(limit_s: float, *sockets: Any) -> None:
    for one in sockets:
        sweeper().add(one)
    try:
        await NodeKeeper(Calls()).drain(limit_s)
    finally:
        for one in sockets:
            sweeper().remove(one)


async def test_a_call_is_told_five_minutes_and_one_minute_before(clock: Clock) -> None:
    here = Told(CALL, clock)
    await drain(3600, here)
    assert here.told == [(3300, notice(300_000)), (3540, notice(60_000))]
    assert clock.now_s == 3600


async def test_a_short_limit_warns_once_and_a_very_short_one_not_at_all(clock: Clock) -> None:
    first, second = Told(CALL, clock), Told(CALL, clock)
    await drain(90, first)
    assert first.told == [(30, notice(60_000))]
    await drain(25, second)
    assert second.told == []


async def test_a_visit_without_media_here_and_the_day_of_a_practice_are_told_nothing(clock: Clock) -> None:
    elsewhere, today, here = Told("another-room", clock), ToldToday(), Told(CALL, clock)
    await drain(3600, elsewhere, today, here)
    assert (elsewhere.told, today.told) == ([], [])
    assert len(here.told) == 2


async def test_a_browser_that_is_gone_does_not_end_the_drain_nor_the_warning_of_others(clock: Clock) -> None:
    gone, here = Gone(CALL, clock), Told(CALL, clock)
    await drain(3600, gone, here)
    assert [at_s for at_s, _ in here.told] == [3300, 3540]
    assert gone.is_closed
    assert clock.now_s == 3600


async def test_a_call_that_ends_ends_the_drain_without_a_warning(clock: Clock) -> None:
    here, calls = Told(CALL, clock), Calls()
    sweeper().add(here)
    clock_sleep = clock.sleep

    async def sleep(seconds: float) -> None:
        await clock_sleep(seconds)
        if clock.now_s >= 600:
            calls.rooms = frozenset()

    keeper.asyncio.sleep = sleep  # type: ignore[assignment]
    await NodeKeeper(calls).drain(3600)
    sweeper().remove(here)
    assert calls.is_draining
    assert here.told == []
    assert clock.now_s == 600
