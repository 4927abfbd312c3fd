"""Signaling through the real server while 500 patients wait: latency at an easy pace, and how much passes at most.

Every pair sends small `candidate` signals to each other; a signal's latency is from before `send` until the other
socket has it. The limit of 20 messages a second and seat holds here too, so load comes from many pairs.
"""

import asyncio
import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from tests.bench.rows import Row, percentile
from tests.e2e.server import AppServer

WAITING = 500
CALM_PAIRS, CALM_PER_S = 10, 5
BUSY_PAIRS, BUSY_PER_S = 60, 18
SECONDS = 10

SEATS = """
import json
from datetime import timedelta
from django.db import transaction
from django.utils import timezone
from consultations.appointments.models import Appointment, CareThread, VisitType
from consultations.clinics.models import Clinic
from consultations.patients.models import Patient
from consultations.rooms.access import cookie_name
from consultations.rooms.models import Participant, Room, SeatDevice
from telemed.lib.ids import new_token, token_hash

clinic, now, out = Clinic.objects.get(), timezone.now(), []
visit_type = VisitType.objects.filter(clinic=clinic).first()
patient = Patient.objects.create(clinic=clinic, name="Load Test")
thread = CareThread.objects.create(clinic=clinic, patient=patient)

def seat(room, role, state):
    person = Participant.objects.create(
        room=room, role=role, state=state, name="Load Test", patient=patient if role == "patient" else None,
        arrived_at=now, admitted_at=now if state == "admitted" else None, details_confirmed_at=now)
    secret = new_token()
    SeatDevice.objects.create(participant=person, secret_hash=token_hash(secret), state="active")
    return {"id": person.public_id, "code": room.code, "cookie": f"{cookie_name(room.code)}={secret}"}

with transaction.atomic():
    for number in range(WAITING + PAIRS):
        starts = now + timedelta(hours=1 + number)
        appointment = Appointment.objects.create(
            clinic=clinic, care_thread=thread, patient=patient, visit_type=visit_type, starts_at=starts,
            ends_at=starts + timedelta(minutes=20), blocks_until=starts + timedelta(minutes=20), zone="UTC")
        pair = number >= WAITING
        room = Room.objects.create(appointment=appointment, state="live" if pair else "open", opened_at=now,
                                   live_at=now if pair else None)
        roles = ["patient", "relative"] if pair else ["patient"]
        out.append([seat(room, role, "admitted" if pair else "waiting") for role in roles])
print(json.dumps(out))
"""


@dataclass
class Seat:
    id: str
    page: str
    socket: ClientConnection
    sent_at: dict[int, float] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)


_repeats: list[str] = []


async def sit_down(server: AppServer, seat: dict[str, str]) -> Seat:
    """A socket of this seat that was welcomed; comes back after a failure, as a page does."""
    for attempt in range(5):
        try:
            return await _sit_down(server, seat)
        except (WebSocketException, OSError, TimeoutError) as error:
            _repeats.append(type(error).__name__)
            await asyncio.sleep(2**attempt / 2)
    raise RuntimeError(f"a seat found no socket in five attempts: {_repeats}")


async def _sit_down(server: AppServer, seat: dict[str, str]) -> Seat:
    socket = await connect(
        f"ws://localhost:{server.port}/ws/visit/{seat['code']}/?as=seat",
        origin=server.base_url,  # type: ignore[arg-type]
        additional_headers={"Cookie": seat["cookie"]},
        compression=None,
        open_timeout=60,
        ping_interval=None,
    )
    page = seat["id"][:12]
    await socket.send(json.dumps({"type": "hello", "v": 1, "page": page, "rev": 0}))
    while True:
        message = json.loads(await asyncio.wait_for(socket.recv(), 60))
        if message["type"] == "welcome":
            return Seat(seat["id"], page, socket)


async def listen(me: Seat, partner: Seat, latencies_ms: list[float]) -> None:
    async for text in me.socket:
        arrived = time.perf_counter()
        message = json.loads(text)
        if message["type"] == "signal":
            latencies_ms.append((arrived - partner.sent_at.pop(message["seq"])) * 1000)
        elif message["type"] == "error":
            me.refused.append(message["code"])


async def talk(me: Seat, partner: Seat, per_s: float, start_s: float) -> int:
    """Sends at an even pace for SECONDS; how many were sent."""
    loop = asyncio.get_running_loop()
    body = {
        "kind": "candidate",
        "candidate": {"candidate": "", "sdpMid": "0", "sdpMLineIndex": 0, "usernameFragment": "abcd"},
    }
    total = int(per_s * SECONDS)
    for seq in range(1, total + 1):
        await asyncio.sleep(max(0.0, start_s + seq / per_s - loop.time()))
        me.sent_at[seq] = time.perf_counter()
        signal = {"type": "signal", "to": partner.id, "stream": f"{me.page}.{partner.page}", "seq": seq, "body": body}
        await me.socket.send(json.dumps(signal))
    return total


async def converse(
    server: AppServer, pairs: list[list[dict[str, str]]], per_s: float
) -> tuple[list[float], int, float]:
    """(latencies in ms, how many were sent, seconds until the last arrived)."""
    latencies_ms: list[float] = []
    couples = []
    for a, b in pairs:
        couples.append((await sit_down(server, a), await sit_down(server, b)))
    await asyncio.sleep(1)  # the nudges of the arrivals
    directions = [direction for a, b in couples for direction in ((a, b), (b, a))]
    listeners = [asyncio.create_task(listen(me, other, latencies_ms)) for me, other in directions]
    # Spread over one interval, as people are.
    start_s = asyncio.get_running_loop().time()
    offsets = [index / len(directions) / per_s for index in range(len(directions))]
    started = time.perf_counter()
    sent = sum(
        await asyncio.gather(
            *(talk(me, other, per_s, start_s + off) for (me, other), off in zip(directions, offsets, strict=True))
        )
    )
    deadline = time.perf_counter() + 20
    while len(latencies_ms) < sent and time.perf_counter() < deadline:
        await asyncio.sleep(0.02)
    took_s = time.perf_counter() - started
    if refused := sorted({code for me, _ in directions for code in me.refused}):
        raise RuntimeError(f"the server refused signals: {refused}")
    for task in listeners:
        task.cancel()
    for me, _ in directions:
        await me.socket.close()
    return latencies_ms, sent, took_s


async def _measure() -> list[Row]:
    with AppServer() as server:
        seats = json.loads(server.run(SEATS.replace("WAITING", str(WAITING)).replace("PAIRS", str(BUSY_PAIRS))))
        waiting = []
        for at in range(0, WAITING, 10):
            waiting += await asyncio.gather(*(sit_down(server, seat[0]) for seat in seats[at : at + 10]))
        quiet = [asyncio.create_task(_drain(one.socket)) for one in waiting]
        pairs = seats[WAITING:]
        calm, _, _ = await converse(server, pairs[:CALM_PAIRS], CALM_PER_S)
        before_s = cpu_s(server)
        busy, sent, took_s = await converse(server, pairs, BUSY_PER_S)
        used_s = cpu_s(server) - before_s
        still = sum(one.socket.close_code is None for one in waiting)
        for task in quiet:
            task.cancel()
        await asyncio.gather(*(one.socket.close() for one in waiting))
    around = f"{still} of {WAITING} sockets waiting, server and load on one machine, {len(_repeats)} sockets had to come back"
    calm_context = f"{2 * CALM_PAIRS * CALM_PER_S} signals/s offered, {around}"
    busy_context = f"{2 * BUSY_PAIRS * BUSY_PER_S} signals/s offered, {len(busy)} of {sent} arrived, {around}"
    return [
        Row("signaling_latency_p50", percentile(calm, 50), "ms", calm_context),
        Row("signaling_latency_p99", percentile(calm, 99), "ms", calm_context),
        Row("signaling_messages", len(busy) / took_s, "signals/s", busy_context),
        Row("signaling_cpu", used_s / len(busy) * 1e6, "us CPU/signal", f"server process, all it did; {busy_context}"),
        Row("signaling_busy_latency_p50", percentile(busy, 50), "ms", busy_context),
        Row("signaling_busy_latency_p99", percentile(busy, 99), "ms", busy_context),
    ]


def cpu_s(server: AppServer) -> float:
    """User and system time of the server's process so far, all threads."""
    assert server.process is not None
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _drain(socket: ClientConnection) -> None:
    async for _ in socket:
        pass


def measure() -> list[Row]:
    return asyncio.run(_measure())
