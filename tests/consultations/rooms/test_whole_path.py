"""From the link to the outcome against the running site: HTTP for the steps, WebSockets for the visit."""

from tests.consultations.rooms.people import CHECK, DETAILS, Doctor, Patient
from tests.e2e.server import AppServer

SDP = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\n"


async def test_a_visit_from_token_to_outcome(own_server: AppServer) -> None:
    patient, doctor = Patient(own_server.base_url), Doctor(own_server.base_url)

    # The link: looking changes nothing, the click seats this browser.
    patient.open("/join/")
    token = own_server.patient_url.partition("#")[2]
    for _ in range(3):
        look = patient.post("/join/lookup/", {"token": token})
        assert look.status_code == 200
        assert look.json()["status"] == "open"
        assert look.json()["person_name"] == "P. P."
    assert "Paul" not in look.text
    assert patient.redeem(own_server.patient_url)["device_state"] == "active"
    assert patient.redeem(own_server.patient_url)["device_state"] == "active"
    page = patient.open(f"/v/{patient.code}/")
    assert page.status_code == 200

    # Nothing can be skipped.
    assert patient.state()["step"] == "details"
    refused = patient.post(f"/v/{patient.code}/wait/", {})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "details_missing")
    incomplete = patient.post(f"/v/{patient.code}/details/", {**DETAILS, "location": " "})
    assert incomplete.status_code == 422
    assert set(incomplete.json()["error"]["fields"]) == {"location"}
    assert patient.step("details", DETAILS)["step"] == "device_check"
    assert patient.step("device-check", CHECK)["step"] == "consent"
    refused = patient.post(f"/v/{patient.code}/wait/", {})
    assert refused.json()["error"]["code"] == "consent_missing"
    assert patient.agree()["step"] == "waiting"
    assert patient.step("wait", {})["step"] == "waiting"
    assert patient.http.get(f"{own_server.base_url}/v/{patient.code}/turn-probe/").json() == {"ice_servers": []}

    doctor.sign_in(own_server.practitioner_url)
    page = doctor.open(f"/visit/{patient.code}/")
    assert page.status_code == 200
    assert "Paul Peters" in page.text

    async with patient.visit_socket() as waiting, doctor.visit_socket(patient.code) as calling:
        welcome = await waiting.hello()
        assert welcome["state"]["join"] is None
        assert welcome["state"]["me"]["state"] == "waiting"
        assert all("id" not in person for person in welcome["state"]["participants"])

        seen = (await calling.hello())["state"]
        seat = next(person for person in seen["participants"] if person["role"] == "patient")
        assert seat["state"] == "waiting"
        assert seat["details"]["location"] == DETAILS["location"]
        assert seat["device_check"]["camera"] == "ok"

        # Before admission: no credentials and no signals, and no admission without an identity.
        assert (await waiting.ask("ice_servers"))["error"]["code"] == "not_admitted"
        refused = await calling.ask("admit", participant=seat["id"], identity="not_confirmed")
        assert refused["error"]["code"] == "identity_not_confirmed"
        await waiting.send(
            {"type": "signal", "to": seen["me"]["id"], "stream": f"{waiting.page}.{calling.page}", "seq": 1,
             "body": {"kind": "restart"}}
        )  # fmt: skip
        assert (await waiting.until("error"))["code"] == "not_admitted"

        assert (await calling.ask("admit", participant=seat["id"], identity="confirmed"))["ok"]
        mine = await waiting.until_state(lambda state: state["join"])
        assert mine["room"]["state"] == "live"
        assert mine["join"]["engine"] == "p2p"
        assert mine["join"]["decision"]["reasons"][0]["code"] == "one_to_one"
        theirs = await calling.until_state(lambda state: state["join"])
        polite = [state["join"]["peers"][0]["polite"] for state in (mine, theirs)]
        assert sorted(polite) == [False, True]
        assert (await waiting.ask("ice_servers"))["ice_servers"] == []

        # Signals and acknowledgements reach the one they are for.
        peer = mine["participants"][0]
        assert peer["page"] == calling.page
        await waiting.signal(peer, 1, {"kind": "description", "type": "offer", "sdp": SDP})
        got = await calling.until("signal")
        assert got["from"] == seat["id"]
        assert got["body"] == {"kind": "description", "type": "offer", "sdp": SDP}
        await calling.send({"type": "ack", "to": seat["id"], "stream": got["stream"], "seq": 1})
        assert (await waiting.until("ack"))["seq"] == 1
        report = {"state": "connected", "route": "direct", "local": "host", "remote": "host", "rtt_ms": 3}
        await waiting.send({"type": "path", "report": report})

        # A lost socket is no leaving; leaving keeps the seat.
        await waiting.connection.close()
        await calling.until_state(lambda state: not state["participants"][0]["present"])
        async with patient.visit_socket(page=waiting.page) as back:
            assert (await back.hello())["state"]["me"]["state"] == "admitted"
            assert (await back.ask("leave"))["ok"]
            await calling.until_state(lambda state: state["participants"][0]["state"] == "left")
            assert patient.state()["step"] == "after"
            assert patient.step("wait", {})["step"] == "visit"
            await back.until_state(lambda state: state["me"]["state"] == "admitted")

            saved = doctor.post(f"/visit/{patient.code}/notes/", {"text": "Better.", "number": 0})
            assert saved.json()["number"] == 1
            stale = doctor.post(f"/visit/{patient.code}/notes/", {"text": "Other page.", "number": 0})
            assert (stale.status_code, stale.json()["error"]["code"]) == (409, "note_changed")

            await calling.send({"type": "finish", "id": "x1", "outcome": "nonsense"})
            assert not (await calling.until("reply", id="x1"))["ok"]
            assert (await calling.ask("finish", outcome="follow_up"))["ok"]
            assert await back.closed() == 4410
            assert back.state["room"]["outcome"] == "follow_up"
            assert await calling.closed() == 4410
    after = patient.state()
    assert (after["step"], after["outcome"]) == ("after", "follow_up")
    told = own_server.run(
        "from consultations.rooms.models import *; from consultations.appointments.models import *;"
        f"r = Room.objects.get(code='{patient.code}');"
        "print(r.appointment.status, r.route, *r.route_decisions.values_list('trigger', flat=True))"
    )
    assert told.split() == "completed p2p opened admitted path.connected left came_back".split()
