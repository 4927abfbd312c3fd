"""A recording on the running site: real sockets, real DTLS, real packets, files on a disk. Their browsers encrypt nothing,
and the practitioner accepted that; recorders with keys are tested with real browsers and in tests/media_routing.
"""

import asyncio
import contextlib
import sqlite3
import time
import urllib.request
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.consultations.rooms.conftest import own_server
from tests.consultations.rooms.media_people import Doctor, MediaPage, Patient, goes_on, until
from tests.consultations.rooms.people import Socket
from tests.e2e.server import AppServer

__all__ = ["own_server"]


@dataclass
class Visit:
    server: AppServer
    anna: Socket
    paul: Socket
    doctor: Doctor
    patient: Patient
    pages: dict[str, MediaPage] = field(default_factory=dict)

    async def join(self, name: str) -> None:
        socket: Socket = getattr(self, name)
        state = await socket.until_state(lambda state: state["join"] and state["join"]["engine"] == "sfu")
        page = self.pages[name] = MediaPage(state["join"]["room_size"])
        reply = await page.join(socket)
        assert reply["ok"], reply

    async def grant(self, name: str, purpose: str = "recording") -> dict[str, Any]:
        socket: Socket = getattr(self, name)
        state = await socket.until_state(
            lambda state: state["me"]["asks"] and state["me"]["asks"][0]["purpose"] == purpose
        )
        asked = state["me"]["asks"][0]
        assert asked["body"]
        return await socket.ask(
            "consent", purpose=purpose, decision="granted", version=asked["version"], capacity="self"
        )

    async def start(self) -> None:
        assert (await self.anna.ask("recording", action="request"))["ok"]
        assert (await self.grant("anna"))["ok"]
        assert (await self.grant("paul"))["ok"]
        await self.join("anna")
        await self.join("paul")

    def sizes(self) -> dict[str, int]:
        return {path.name: path.stat().st_size for path in self.folder.rglob("*.sealed")}

    @property
    def folder(self) -> Path:
        return self.server.var_directory / "recordings"

    def row(self) -> dict[str, Any]:
        with contextlib.closing(sqlite3.connect(self.server.var_directory / "demo.sqlite3")) as database:
            database.row_factory = sqlite3.Row
            rows = database.execute("SELECT * FROM recordings_recording ORDER BY id DESC LIMIT 1").fetchall()
            return dict(rows[0]) if rows else {}

    def tracks(self) -> list[dict[str, Any]]:
        with contextlib.closing(sqlite3.connect(self.server.var_directory / "demo.sqlite3")) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute("SELECT * FROM recordings_track ORDER BY id")]


@contextlib.asynccontextmanager
async def visit_of_two(server: AppServer) -> AsyncIterator[Visit]:
    doctor, patient = Doctor(server.base_url), Patient(server.base_url)
    await asyncio.to_thread(patient.redeem, server.patient_url)
    await asyncio.to_thread(lambda: patient.walk_to_waiting(frame_encryption=False))
    await asyncio.to_thread(doctor.sign_in, server.practitioner_url)
    async with doctor.visit_socket(patient.code) as anna, patient.visit_socket() as paul:
        await anna.hello()
        await paul.hello()
        state = await anna.until_state(
            lambda state: [one for one in state["participants"] if one["state"] == "waiting"]
        )
        target = state["participants"][0]["id"]
        reply = await anna.ask("admit", participant=target, identity="known", accept_unencrypted=True)
        assert reply["ok"], reply
        visit = Visit(server, anna, paul, doctor, patient)
        try:
            yield visit
        finally:
            for page in visit.pages.values():
                await page.close()


def grown(visit: Visit, before: dict[str, int]) -> bool:
    now = visit.sizes()
    return len(now) >= 4 and all(size > before.get(name, 0) for name, size in now.items())


async def test_a_visit_is_recorded_paused_gone_on_with_and_stopped_by_a_withdrawal(own_server: AppServer) -> None:
    async with visit_of_two(own_server) as visit:
        await visit.start()
        for socket in (visit.anna, visit.paul):
            state = await socket.until_state(lambda state: state["room"]["recorder"])
            assert state["room"]["recording"]["state"] == "running"
        await until(lambda: grown(visit, {}), what="four growing files")
        before = visit.sizes()
        await until(lambda: grown(visit, before), what="more of them")
        # No program listens here: nobody is asked for one, and a yes to it starts none (the control of the last test).
        for socket in (visit.anna, visit.paul):
            assert socket.state["me"]["asks"] == []
            assert (await socket.ask("consent", purpose="transcript", decision="granted", version=1))["ok"]
        assert await asyncio.to_thread(voices_measured, own_server) == 0

        # One message, and nothing more is written.
        started = time.monotonic()
        assert (await visit.paul.ask("consent", purpose="recording", decision="withdrawn"))["ok"]
        took_s = time.monotonic() - started
        state = await visit.anna.until_state(lambda state: state["room"]["recorder"] is None)
        assert state["room"]["recording"] is None
        assert took_s < 2
        await until(lambda: visit.row()["state"] == "complete", what="the end")
        assert await goes_on(visit.pages["anna"]), "the visit goes on"
        assert visit.anna.state["room"]["state"] == "live"

        # Paul's picture and sound are taken back, Anna's are not.
        tracks = visit.tracks()
        assert len(tracks) == 2
        paul = visit.paul.state["me"]["id"]
        assert [track["person"] for track in tracks if track["withdrawn_at"]] == [paul]
        assert all(track["duration_ms"] > 200 and track["size_bytes"] > 500 for track in tracks)
        names = [path.name for path in visit.folder.rglob("*") if path.is_file()]
        assert sorted(names) == sorted(track["file_name"] for track in tracks), "nothing else is left on the disk"


async def test_a_process_that_is_killed_loses_little_and_says_so(own_server: AppServer) -> None:
    async with visit_of_two(own_server) as visit:
        await visit.start()
        await until(lambda: grown(visit, {}), what="four growing files")
        began = time.monotonic()
        await asyncio.sleep(4)
        own_server.kill()
        lasted_s = time.monotonic() - began
    own_server.start()
    await until(lambda: visit.row()["state"] == "truncated" and len(visit.tracks()) == 2, within_s=20, what="recovery")
    assert visit.row()["end_reason"] == "crashed"
    assert all(track["duration_ms"] >= (lasted_s - 2) * 1000 for track in visit.tracks()), visit.tracks()
    assert not any(track["complete"] for track in visit.tracks())


def voices_measured(server: AppServer) -> int:
    """How many people a program listens to at this moment, as the process itself says."""
    with urllib.request.urlopen(f"{server.base_url}/metrics", timeout=5) as answer:
        return sum(line.startswith(b"sfu_voice_dbfs{") for line in answer.read().splitlines())


async def test_a_program_listens_only_with_everybodys_yes_and_stops_with_the_first_no() -> None:
    with AppServer(LISTENING_PROGRAM="level_meter") as server:
        async with visit_of_two(server) as visit:

            async def measured(count: int, within_s: float) -> float:
                started = time.monotonic()
                while await asyncio.to_thread(voices_measured, server) != count:
                    assert time.monotonic() - started < within_s, f"not {count} voices after {within_s} s"
                    await asyncio.sleep(0.1)
                return time.monotonic() - started

            await visit.start()
            await until(lambda: grown(visit, {}), what="four growing files")
            assert (await visit.grant("anna", "transcript"))["ok"]
            await asyncio.sleep(2.5)
            assert await asyncio.to_thread(voices_measured, server) == 0, "Paul has not said yes"
            assert (await visit.grant("paul", "transcript"))["ok"]
            await measured(2, 10)

            assert (await visit.paul.ask("consent", purpose="transcript", decision="withdrawn"))["ok"]
            assert await measured(0, 2) < 2
            before = visit.sizes()
            await until(lambda: grown(visit, before), what="the recording going on")
            assert visit.row()["state"] == "running"
