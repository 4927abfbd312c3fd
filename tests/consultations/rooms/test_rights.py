"""SEC-4 and CLIN-2 against the running site: rights end at once, devices do not share a seat, those who wait are alone.

Changes are made by another process (`server.run`), whose nudges the in-memory channel layer cannot deliver: what closes
the socket is its own look every few seconds. The nudged way is timed where the site itself makes the change.
"""

import time

import pytest

from tests.consultations.rooms.people import CHECK, DETAILS, Browser, Doctor, Patient, Socket
from tests.e2e.server import AppServer

LIMIT_S = 5.5  # SEC-4 says five; half a second for a busy machine

MODELS = (
    "from consultations.rooms.models import *; from consultations.appointments.models import *;"
    "from telemed.accounts.models import User; from consultations.clinics.models import *;"
    "from consultations.rooms.actions import booking, links, visit;"
)


@pytest.fixture
def patient(own_server: AppServer) -> Patient:
    patient = Patient(own_server.base_url)
    patient.redeem(own_server.patient_url)
    patient.walk_to_waiting()
    return patient


@pytest.fixture
def doctor(own_server: AppServer) -> Doctor:
    doctor = Doctor(own_server.base_url)
    doctor.sign_in(own_server.practitioner_url)
    return doctor


async def closes_in_time(socket: Socket) -> int:
    started = time.monotonic()
    code = await socket.closed(within_s=LIMIT_S + 3)
    assert time.monotonic() - started < LIMIT_S
    return code


async def admit(calling: Socket) -> dict[str, object]:
    state = calling.state or (await calling.hello())["state"]
    seat = next(person for person in state["participants"] if person["role"] == "patient")
    assert (await calling.ask("admit", participant=seat["id"], identity="known"))["ok"]
    return seat


async def test_signing_out_closes_the_call_and_the_day(own_server: AppServer, patient: Patient, doctor: Doctor) -> None:
    async with doctor.visit_socket(patient.code) as calling, doctor.socket("/ws/today/") as today:
        await calling.hello()
        doctor.open("/accounts/logout/")
        answer = doctor.http.post(
            own_server.base_url + "/accounts/logout/",
            data={"csrfmiddlewaretoken": doctor.csrf},
            headers={"Origin": own_server.base_url},
        )
        assert answer.status_code == 200
        assert await closes_in_time(calling) == 4401
        assert await closes_in_time(today) == 4401


async def test_a_deactivated_user_is_out_and_their_next_request_is_refused(
    own_server: AppServer, patient: Patient, doctor: Doctor
) -> None:
    async with doctor.visit_socket(patient.code) as calling:
        seat = next(person for person in (await calling.hello())["state"]["participants"])
        own_server.run(MODELS + "User.objects.filter(practitioner__isnull=False).update(is_active=False)")
        await calling.send({"type": "admit", "id": "1", "participant": seat["id"], "identity": "known"})
        assert await closes_in_time(calling) == 4401
        assert not any(message["type"] == "reply" and message["ok"] for message in calling.seen)
    assert patient.state()["step"] == "waiting"


async def test_a_membership_that_ended_closes_the_socket(
    own_server: AppServer, patient: Patient, doctor: Doctor
) -> None:
    async with doctor.visit_socket(patient.code) as calling:
        await calling.hello()
        own_server.run(MODELS + "Membership.objects.update(active=False)")
        assert await closes_in_time(calling) == 4403


async def test_a_cancelled_visit_closes_its_sockets(own_server: AppServer, patient: Patient, doctor: Doctor) -> None:
    async with doctor.visit_socket(patient.code) as calling, patient.visit_socket() as waiting:
        await calling.hello()
        await waiting.hello()
        own_server.run(
            MODELS + f"booking.cancel_visit(Appointment.objects.get(room__code='{patient.code}'), acting_user=None)"
        )
        assert await closes_in_time(waiting) == 4410
        assert await closes_in_time(calling) == 4410
    assert patient.state()["visit"]["status"] == "cancelled"
    look = patient.post("/join/lookup/", {"token": own_server.patient_url.partition("#")[2]})
    assert look.json()["status"] == "cancelled"
    redeem = patient.post("/join/redeem/", {"token": own_server.patient_url.partition("#")[2], "device_label": ""})
    assert (redeem.status_code, redeem.json()["error"]["code"]) == (409, "cancelled")


async def test_who_was_removed_is_out_for_good(own_server: AppServer, patient: Patient, doctor: Doctor) -> None:
    async with doctor.visit_socket(patient.code) as calling, patient.visit_socket() as inside:
        await inside.hello()
        await calling.hello()
        seat = await admit(calling)
        await inside.until_state(lambda state: state["join"])
        assert (await calling.ask("remove", participant=seat["id"], reason="wrong_person"))["ok"]
        started = time.monotonic()
        assert await closes_in_time(inside) == 4403
        assert time.monotonic() - started < 2  # nudged, not swept
        async with patient.visit_socket() as again:
            assert await again.closed() == 4403
    answer = patient.http.get(f"{own_server.base_url}/v/{patient.code}/state/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "removed")
    token = own_server.patient_url.partition("#")[2]
    assert patient.post("/join/lookup/", {"token": token}).status_code == 404


async def test_a_second_device_waits_while_the_first_stays_seated(
    own_server: AppServer, patient: Patient, doctor: Doctor
) -> None:
    second = Patient(own_server.base_url)
    assert second.redeem(own_server.patient_url)["device_state"] == "asking"
    assert patient.state()["device_state"] == "active"
    state = second.state()
    assert state["device_state"] == "asking"
    assert state["details"] is None
    assert state["person"]["name"] == ""
    for step, data in (("details", DETAILS), ("device-check", CHECK), ("wait", {})):
        answer = second.post(f"/v/{second.code}/{step}/", data)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "device_asking")

    async with (
        doctor.visit_socket(patient.code) as calling,
        patient.visit_socket() as first,
        second.visit_socket() as asking,
    ):
        await calling.hello()
        await first.hello()
        welcome = (await asking.hello())["state"]
        assert welcome["me"]["device_state"] == "asking"
        seat = await admit(calling)
        await first.until_state(lambda state: state["join"])
        # The second device holds the link and still gets nothing of the call.
        assert (await asking.ask("ice_servers"))["error"]["code"] == "not_admitted"
        assert asking.state["join"] is None
        shown = await calling.until_state(lambda state: state["participants"][0]["asking_devices"])
        device = shown["participants"][0]["asking_devices"][0]
        assert device["label"] == "Phone"
        assert (await calling.ask("admit_device", participant=seat["id"], device=device["id"]))["ok"]
        assert await closes_in_time(first) == 4409
        moved = await asking.until_state(lambda state: state["me"]["device_state"] == "active" and state["join"])
        assert moved["me"]["state"] == "admitted"
        peer = moved["participants"][0]
        await asking.signal(peer, 1, {"kind": "restart"})
        assert (await calling.until("signal"))["body"] == {"kind": "restart"}
    answer = patient.http.get(f"{own_server.base_url}/v/{patient.code}/state/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "replaced")


async def test_two_who_wait_never_learn_of_each_other(own_server: AppServer, patient: Patient, doctor: Doctor) -> None:
    token = own_server.run(
        MODELS + f"room = Room.objects.get(code='{patient.code}'); room.seats = 3; room.save();"
        "seat = Participant.objects.create(room=room, role='relative', name='Secret Relative', language='en');"
        "print(links.mint_link(seat, acting_user=None))"
    ).strip()
    relative = Patient(own_server.base_url)
    relative.redeem("#" + token)
    async with patient.visit_socket() as first, doctor.visit_socket(patient.code) as calling:
        await first.hello()
        relative.step("details", {**DETAILS, "name": "Secret Relative"})
        relative.step("device-check", CHECK)
        relative.step("wait", {})
        async with relative.visit_socket() as second:
            await second.hello()
            seen = (await calling.hello())["state"]
            assert {person["name"] for person in seen["participants"]} == {"Paul Peters", "Secret Relative"}
            await first.until_state(lambda state: state["participants"][0]["present"])
            patient_id = next(person["id"] for person in seen["participants"] if person["role"] == "patient")
            # Not even one who guessed the other's id hears that there is somebody.
            await second.send(
                {"type": "signal", "to": patient_id, "stream": f"{second.page}.{first.page}", "seq": 1,
                 "body": {"kind": "restart"}}
            )  # fmt: skip
            assert (await second.until("error"))["code"] == "not_admitted"
            await first.send({"type": "ping", "rev": 0})
            await first.until("pong")
            await second.send({"type": "ping", "rev": 0})
            await second.until("pong")
            assert "Secret" not in str(first.seen)
            assert "Paul" not in str(second.seen)
            for socket in (first, second):
                assert {len(message["state"]["participants"]) for message in socket.seen if "state" in message} == {1}
                assert not any(message["type"] in {"signal", "ack"} for message in socket.seen)


async def test_hidden_addresses_never_reach_the_other_side(
    own_server: AppServer, patient: Patient, doctor: Doctor
) -> None:
    own_server.run(
        MODELS + "TurnServer.objects.create(clinic=Clinic.objects.get(), host='turn.example', region='eu', secret='s')"
    )
    assert patient.step("device-check", {**CHECK, "relay_only": True})["relay_only"]["person"] is True
    probe = patient.http.get(f"{own_server.base_url}/v/{patient.code}/turn-probe/").json()["ice_servers"]
    assert {server["username"] for server in probe} == {"0:probe"}
    async with doctor.visit_socket(patient.code) as calling, patient.visit_socket() as inside:
        await inside.hello()
        await calling.hello()
        await admit(calling)
        mine = await inside.until_state(lambda state: state["join"])
        assert mine["join"]["ice_transport_policy"] == "relay"
        assert "relay_only_by_patient" in str(mine["join"]["decision"])
        reply = await inside.ask("ice_servers")
        assert reply["ttl_s"] <= 300
        expires_s, _, who = reply["ice_servers"][0]["username"].partition(":")
        assert int(expires_s) - time.time() <= 300
        assert who == mine["me"]["id"]
        peer = mine["participants"][0]
        sdp = (
            "v=0\r\no=- 1 2 IN IP4 192.168.7.7\r\ns=-\r\nt=0 0\r\nm=audio 9 X 111\r\nc=IN IP4 203.0.113.77\r\n"
            "a=candidate:1 1 udp 1 192.168.7.7 5 typ host\r\n"
        )
        host = "candidate:2 1 udp 1 203.0.113.77 5 typ srflx raddr 192.168.7.7 rport 5"
        relay = "candidate:3 1 udp 1 198.51.100.7 5 typ relay raddr 203.0.113.77 rport 5"
        bodies: list[dict[str, object]] = [{"kind": "description", "type": "offer", "sdp": sdp}]
        for candidate in (host, relay):
            inner = {"candidate": candidate, "sdpMid": "0", "sdpMLineIndex": 0, "usernameFragment": "u"}
            bodies.append({"kind": "candidate", "candidate": inner})
        for seq, body in enumerate(bodies, 1):
            await inside.signal(peer, seq, body)
        got = [await calling.until("signal") for _ in bodies]
        assert [message["seq"] for message in got] == [1, 2, 3]
        assert "192.168.7.7" not in str(got)
        assert "203.0.113.77" not in str(got)
        assert got[1]["body"] == {"kind": "hidden"}
        assert "198.51.100.7" in str(got[2])


async def test_today_hears_of_an_arrival_and_learns_nothing_else(own_server: AppServer, doctor: Doctor) -> None:
    patient = Patient(own_server.base_url)
    async with doctor.socket("/ws/today/") as today:
        await today.until("today", event="changed")  # it listens
        patient.redeem(own_server.patient_url)
        patient.walk_to_waiting()
        assert await today.until("today", event="arrived") == {"type": "today", "event": "arrived"}
        assert all(set(message) == {"type", "event"} for message in today.seen)


def test_scanners_that_open_the_link_break_nothing(own_server: AppServer) -> None:
    for _ in range(25):
        scanner = Browser(own_server.base_url)
        assert scanner.http.get(f"{own_server.base_url}/join/").status_code == 200
        assert scanner.http.head(f"{own_server.base_url}/join/").status_code == 200
        assert scanner.http.get(f"{own_server.base_url}/join/redeem/").status_code == 405
        assert scanner.http.get(f"{own_server.base_url}/join/lookup/").status_code == 405
    patient = Patient(own_server.base_url)
    assert patient.redeem(own_server.patient_url)["device_state"] == "active"
    token = own_server.patient_url.partition("#")[2]
    assert token not in own_server.log_text()


def test_looking_up_links_is_limited(own_server: AppServer) -> None:
    browser = Browser(own_server.base_url)
    browser.open("/join/")
    answers = [browser.post("/join/lookup/", {"token": f"guess-{number}"}).status_code for number in range(65)]
    assert set(answers[:60]) == {404}
    assert set(answers[60:]) == {429}
