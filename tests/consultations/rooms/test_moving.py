"""A visit between two moves to the media server and back while it runs: real site, real sockets, real packets."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tests.consultations.rooms.media_people import Doctor, MediaPage, Patient, goes_on, let_in
from tests.consultations.rooms.people import Socket
from tests.e2e.server import AppServer

QUALITY: dict[str, Any] = {
    "warm": False,
    "engine": "p2p",
    "audio": 90,
    "video": 90,
    "audio_factor": "",
    "video_factor": "",
    "rtt_ms": 40,
    "jitter_ms": 3,
    "loss_in": 0.0,
    "loss_out": 0.0,
    "concealed": 0.0,
    "freeze": 0.0,
    "fps": 25.0,
    "in_bps": 900_000,
    "out_bps": 900_000,
    "available_out_bps": None,
    "remedy": "",
}


@pytest.fixture
def quick_server() -> Iterator[AppServer]:
    with AppServer(SWITCH_BACK_AFTER_S="1", SWITCH_AT_MOST_EVERY_S="1") as running:
        yield running


@contextlib.asynccontextmanager
async def two_people(server: AppServer) -> AsyncIterator[tuple[Socket, Socket]]:
    doctor, patient = Doctor(server.base_url), Patient(server.base_url)
    await asyncio.to_thread(patient.redeem, server.patient_url)
    await asyncio.to_thread(patient.walk_to_waiting)
    await asyncio.to_thread(doctor.sign_in, server.practitioner_url)
    async with doctor.visit_socket(patient.code) as anna, patient.visit_socket() as paul:
        await anna.hello()
        await paul.hello()
        await let_in(anna, "patient")
        for socket in (anna, paul):
            await socket.until_state(lambda state: state["join"] and state["join"]["engine"] == "p2p")
        yield anna, paul


async def report_until(people: tuple[Socket, ...], holds: Any, *reports: dict[str, Any], within_s: float = 30) -> None:
    """Everybody reports these every second until everybody's state is as wanted."""
    async with asyncio.timeout(within_s):
        while not all(socket.state and holds(socket.state) for socket in people):
            for socket in people:
                for report in reports:
                    await socket.send({"type": "quality", **QUALITY, **report})
                with contextlib.suppress(TimeoutError):
                    await socket.receive(1 / len(people))


async def test_a_patients_word_moves_the_visit_and_a_good_direct_path_brings_it_back(quick_server: AppServer) -> None:
    async with two_people(quick_server) as people:
        anna, paul = people
        assert anna.state["join"]["warm"] is None
        assert anna.state["join"]["quality"]["limits"]["rtt_ms"] == [200, 300]
        refused = await MediaPage(4).join(paul)
        assert refused["error"]["code"] == "wrong_route", "nothing is tried yet"

        await paul.send({"type": "trouble", "id": "says-so", "kind": "no_sound"})
        assert (await paul.until("reply", id="says-so"))["ok"]
        for socket in people:
            state = await socket.until_state(lambda state: state["join"]["warm"])
            assert (state["join"]["engine"], state["join"]["warm"]["engine"]) == ("p2p", "sfu")
            assert (state["room"]["move"]["state"], state["room"]["move"]["to"]) == ("probing", "sfu")
            assert "decision" not in state["join"]["warm"]
        pages = [MediaPage(state["join"]["warm"]["room_size"]) for _ in people]
        for socket, page in zip(people, pages, strict=True):
            assert (await page.join(socket))["ok"]
        assert await goes_on(pages[0])

        warm = {"warm": True, "engine": "sfu"}
        await report_until(people, lambda state: state["join"]["engine"] == "sfu", {}, warm)
        assert anna.state["join"]["decision"]["reasons"][0]["code"] == "quality_through_server"
        assert anna.state["join"]["warm"] is None
        assert anna.state["room"]["move"] is None
        assert await goes_on(pages[0])

        used = {"engine": "sfu"}
        await report_until(people, lambda state: state["join"]["warm"], used)
        assert anna.state["join"]["warm"]["engine"] == "p2p"
        peers = [socket.state["join"]["warm"]["peers"][0]["polite"] for socket in people]
        assert sorted(peers) == [False, True]
        await report_until(people, lambda state: state["join"]["engine"] == "p2p", used, {"warm": True})
        assert anna.state["join"]["decision"]["reasons"][0]["code"] == "one_to_one"
        assert await goes_on(pages[1]), "the old way stays open for a little"
        for page in pages:
            await page.close()
