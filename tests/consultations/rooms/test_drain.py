"""REL-6 with real media: an rtc process that was told to end lets its call go on, and hands it over at the limit."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from consultations.demo.simulate.profiles import Profile
from consultations.demo.simulate.run import Simulation
from tests.consultations.rooms.conftest import run_redis
from tests.consultations.rooms.test_roles import RolesServer, start_site

LIMIT_S = 25
SMALL = Profile(width=160, height=96, frames_per_s=8)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RolesServer]:
    with (
        run_redis(tmp_path_factory.mktemp("redis")) as redis_url,
        start_site(
            redis_url, tmp_path_factory.mktemp("site"), "--web", "1", "--rtc", "2", DRAIN_LIMIT_S=str(LIMIT_S)
        ) as running,
    ):
        yield running


@pytest.fixture
def one_process(tmp_path: Path) -> Iterator[RolesServer]:
    """Its limit leaves two seconds until the last warning."""
    with (
        run_redis(tmp_path) as redis_url,
        start_site(redis_url, tmp_path, "--web", "1", "--rtc", "1", DRAIN_LIMIT_S="62") as running,
    ):
        yield running


@contextlib.asynccontextmanager
async def running_call(site: RolesServer) -> AsyncIterator[Simulation]:
    """Three people who decode each other."""
    links = {name: value for name, value in vars(site).items() if name.endswith("_url")}
    call = Simulation(links, SMALL, lambda people: None)
    try:
        await call.gather_people(3)
        await asyncio.gather(*(person.join_media() for person in call.people))
        await decoding(call, 30)
        yield call
    finally:
        await asyncio.gather(*(person.close() for person in call.people), return_exceptions=True)


async def decoding(call: Simulation, within_s: float) -> float:
    """Wait until everybody decoded something new of everybody; after how long."""
    started, before = time.monotonic(), call.counts()
    while missing := call.missing(before):
        assert time.monotonic() - started < within_s, missing
        await asyncio.sleep(0.05)
    return time.monotonic() - started


def node_of(site: RolesServer, call: Simulation) -> int:
    ports = {urlsplit(person.url).port for person in call.people}
    assert len(ports) == 1
    return ports.pop() - site.rtc_port


async def test_a_call_goes_on_while_its_process_drains_and_moves_at_the_limit(site: RolesServer) -> None:
    async with running_call(site) as call:
        node = node_of(site, call)
        draining = site.children()[f"rtc {node}"]
        ready = f"http://127.0.0.1:{site.rtc_port + node}/readyz"
        assert (await asyncio.to_thread(requests.get, ready, timeout=5)).status_code == 200
        os.kill(draining, signal.SIGTERM)
        told = time.monotonic()
        await asyncio.sleep(0.5)
        assert (await asyncio.to_thread(requests.get, ready, timeout=5)).status_code == 503
        assert (await asyncio.to_thread(site.rtc_metrics, node))["telemed_draining"] == 1
        while time.monotonic() - told < LIMIT_S - 8:
            assert await decoding(call, 4) < 4  # nobody lost anything
        assert node_of(site, call) == node
        assert [person.reconnects for person in call.people] == [0, 0, 0]
        assert site.children()[f"rtc {node}"] == draining
        async with asyncio.timeout(30):
            while any(person.reconnects == 0 for person in call.people):
                await asyncio.sleep(0.1)
        assert LIMIT_S - 1 < time.monotonic() - told < LIMIT_S + 8
        assert node_of(site, call) == 1 - node
        await decoding(call, 20)
        assert {person.state["room"]["state"] for person in call.people} == {"live"}
        async with asyncio.timeout(30):
            while site.children().get(f"rtc {node}", draining) == draining:
                await asyncio.sleep(0.2)
        # And the other way round: a call that ends lets its process go at once.
        await asyncio.sleep(5)  # the new process says that it lives
        second = site.children()[f"rtc {1 - node}"]
        os.kill(second, signal.SIGTERM)
        await asyncio.sleep(1)
        await decoding(call, 4)
        doctor = next(person for person in call.people if person.entrance == "staff")
        ended = time.monotonic()
        await doctor.ask("finish", outcome="done")
        async with asyncio.timeout(20):
            while site.children().get(f"rtc {1 - node}") == second:
                await asyncio.sleep(0.1)
        assert time.monotonic() - ended < 15


async def test_everybody_in_a_call_is_told_a_minute_before_it_is_cut(one_process: RolesServer) -> None:
    async with running_call(one_process) as call:
        assert {person.phase for person in call.people} == {"in visit"}
        os.kill(one_process.children()["rtc 0"], signal.SIGTERM)
        async with asyncio.timeout(15):
            while {person.phase for person in call.people} != {"restart 60s"}:
                await asyncio.sleep(0.1)
        await decoding(call, 4)
        # Its last call is over, so it need not wait for its limit.
        await next(person for person in call.people if person.entrance == "staff").ask("finish", outcome="done")
