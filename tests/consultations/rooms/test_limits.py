"""SEC-10 and SEC-11 against the real server: what a stranger, or a guest who went wrong, can throw at a socket."""

import asyncio
import contextlib
import json
import random
import time

import pytest
import websockets

from tests.consultations.rooms.people import Browser, Doctor, Patient
from tests.e2e.server import AppServer


@pytest.fixture(scope="module")
def patient(server: AppServer) -> Patient:
    patient = Patient(server.base_url)
    patient.redeem(server.patient_url)
    patient.walk_to_waiting()
    return patient


@pytest.fixture(scope="module")
def doctor(server: AppServer) -> Doctor:
    doctor = Doctor(server.base_url)
    doctor.sign_in(server.practitioner_url)
    return doctor


FOREIGN = [
    None,
    "null",
    "",
    "https://evil.example",
    "http://localhost",
    "http://localhost:1",
    "https://localhost:{port}",
    "http://localhost:{port}.evil.example",
    "http://evil.localhost:{port}",
    "http://user@localhost:{port}",
    "http://localhost:{port}/",
    "http://localhost:{port} http://evil.example",
    "https://[::",
    "http://[::1",
    "http://localhost:99999999",
    "\x80\xff",
]


@pytest.mark.parametrize("origin", FOREIGN)
@pytest.mark.parametrize("path", ["/ws/visit/{code}/?as=seat", "/ws/today/"])
async def test_a_foreign_origin_gets_403(server: AppServer, patient: Patient, origin: str | None, path: str) -> None:
    origin = origin.format(port=server.port) if origin else origin
    reader, writer = await asyncio.open_connection("localhost", server.port)
    lines = [
        f"GET {path.format(code=patient.code)} HTTP/1.1",
        f"Host: localhost:{server.port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        f"Cookie: {patient.cookie_header()}",
    ]
    if origin is not None:
        lines.append(f"Origin: {origin}")
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
    status = (await asyncio.wait_for(reader.readline(), 5)).decode()
    writer.close()
    assert " 403 " in status or " 400 " in status  # 400: Autobahn itself refuses what is no URL at all
    assert " 101 " not in status


async def test_our_own_origin_is_the_control(patient: Patient) -> None:
    async with patient.visit_socket() as socket:
        assert (await socket.hello())["type"] == "welcome"


async def test_no_compression_is_negotiated(patient: Patient) -> None:
    socket = patient.visit_socket()
    async with websockets.connect(
        socket.url,
        additional_headers={"Cookie": patient.cookie_header()},
        origin=socket.origin,
        compression="deflate",
    ) as connection:
        assert connection.protocol.extensions == []


async def test_silence_is_closed_after_five_seconds(patient: Patient) -> None:
    async with patient.visit_socket() as socket:
        started = time.monotonic()
        assert await socket.closed(within_s=8) == 4408
        assert 4 < time.monotonic() - started < 6.5


async def test_nothing_is_done_before_hello(patient: Patient) -> None:
    async with patient.visit_socket() as socket:
        await socket.send({"type": "ping", "rev": 0})
        assert (await socket.until("error"))["code"] == "hello_first"
        assert (await socket.ask("leave"))["error"]["code"] == "hello_first"
    assert patient.state()["step"] == "waiting"


async def test_a_huge_frame_ends_only_its_sender(server: AppServer, patient: Patient, doctor: Doctor) -> None:
    async with doctor.visit_socket(patient.code) as other, patient.visit_socket() as socket:
        await other.hello()
        await socket.hello()
        with contextlib.suppress(websockets.ConnectionClosed):  # cut before all of it was sent
            await socket.connection.send("x" * 10 * 1024 * 1024)
        assert await socket.closed() in {1009, 4413, 1006}
        await other.send({"type": "ping", "rev": 0})
        assert (await other.until("pong"))["type"] == "pong"


@pytest.mark.parametrize("frame, code", [(b"\x00\x01", 4400), ("not json", 4400), ('{"v":1}', 4400), ("[1]", 4400)])
async def test_what_is_not_our_protocol_is_closed(patient: Patient, frame: str | bytes, code: int) -> None:
    async with patient.visit_socket() as socket:
        await socket.connection.send(frame)
        assert await socket.closed() == code


async def test_a_flood_is_cut_and_the_other_side_hardly_notices(patient: Patient, doctor: Doctor) -> None:
    async with doctor.visit_socket(patient.code) as other, patient.visit_socket() as socket:
        await other.hello()
        await socket.hello()

        async def flood() -> int:
            started = time.monotonic()
            try:
                for number in range(3000):
                    await socket.connection.send('{"type":"ping","rev":0}')
                    if number % 50 == 49:  # 1000 a second
                        await asyncio.sleep(max(0.0, started + number / 1000 - time.monotonic()))
            except websockets.ConnectionClosed:
                pass
            return await socket.closed()

        flooding = asyncio.create_task(flood())
        slowest_s = 0.0
        for _ in range(20):
            asked = time.monotonic()
            await other.send({"type": "ping", "rev": 0})
            await other.until("pong")
            slowest_s = max(slowest_s, time.monotonic() - asked)
            await asyncio.sleep(0.05)
        # 1006: the network stack drops our close frame together with what it never read.
        assert await flooding in {4429, 1006}
        assert slowest_s < 1.0
    pongs = sum(message["type"] == "pong" for message in socket.seen)
    assert pongs <= 60 + 20 * 4


async def test_who_goes_on_after_being_told_is_told_why_they_are_cut(patient: Patient) -> None:
    async with patient.visit_socket() as socket:
        await socket.hello()
        for _ in range(120 + 45):
            await socket.send({"type": "ping", "rev": 0})
        assert await socket.closed() == 4429
        assert sum(message.get("code") == "too_many_messages" for message in socket.seen) == 1


async def test_the_newest_page_of_a_seat_wins(patient: Patient) -> None:
    async with patient.visit_socket() as first, patient.visit_socket() as second:
        await first.hello()
        await second.hello()
        assert await first.closed() == 4409
        await second.send({"type": "ping", "rev": 0})
        assert (await second.until("pong"))["rev"] > 0


async def test_a_seat_has_two_sockets_at_most(patient: Patient) -> None:
    async with patient.visit_socket() as first, patient.visit_socket() as second, patient.visit_socket() as third:
        assert await first.closed(within_s=4) == 4409
        await second.hello()
        await third.hello()  # opened later and spoke last: not the victim of a page that was slow to speak
        assert await second.closed(within_s=4) == 4409


async def test_pages_that_come_together_do_not_close_each_other(patient: Patient) -> None:
    for _ in range(5):
        async with patient.visit_socket() as first, patient.visit_socket() as second:
            await asyncio.gather(first.hello(), second.hello(), return_exceptions=True)
            await asyncio.sleep(0.2)
            for socket in (first, second):
                with contextlib.suppress(websockets.ConnectionClosed):
                    await socket.send({"type": "ping", "rev": 0})
                    await socket.until("pong")
            assert sum(any(m["type"] == "pong" for m in socket.seen) for socket in (first, second)) == 1


async def test_nobody_without_a_seat_or_a_session_gets_in(server: AppServer, patient: Patient, doctor: Doctor) -> None:
    stranger = Browser(server.base_url)
    for path in (
        f"/ws/visit/{patient.code}/",
        f"/ws/visit/{patient.code}/?as=seat",
        "/ws/visit/nonsense/",
        "/ws/today/",
    ):
        async with stranger.socket(path) as socket:
            assert await socket.closed() == 4401
    # A session is no seat, a seat is no session, and an unknown visit looks like a foreign one.
    async with doctor.socket(f"/ws/visit/{patient.code}/?as=seat") as socket:
        assert await socket.closed() == 4401
    async with patient.socket("/ws/today/") as socket:
        assert await socket.closed() == 4401
    async with doctor.socket("/ws/visit/nonsense/") as socket:
        assert await socket.closed() == 4404


async def test_random_messages_close_nobody_else(server: AppServer, patient: Patient, doctor: Doctor) -> None:
    """A short fuzz through the real socket; the hypothesis tests of the parser go deeper."""
    random_source = random.Random(7)
    kinds = ["hello", "ping", "signal", "ack", "path", "ice_servers", "admit", "remove", "finish", "leave", "?"]
    values = [None, True, -1, 1, 2**70, "", "x" * 300, "\ud800", [], {}, {"kind": "description", "sdp": "v=0"}]
    async with doctor.visit_socket(patient.code) as other:
        await other.hello()
        for _ in range(5):
            async with patient.visit_socket() as socket:
                await socket.hello()
                for _ in range(50):
                    names = random_source.sample(["id", "to", "stream", "seq", "body", "report", "rev", "page", "v"], 5)
                    message = {name: random_source.choice(values) for name in names}
                    if message.get("id") and random_source.random() < 0.5:
                        message["id"] = "1"
                    await socket.connection.send(json.dumps({"type": random_source.choice(kinds[1:-3]), **message}))
                await socket.send({"type": "ping", "rev": 0})
                assert (await socket.until("pong"))["type"] == "pong"
        await other.send({"type": "ping", "rev": 0})
        await other.until("pong")
    assert "socket failed" not in server.log_text()
