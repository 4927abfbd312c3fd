"""Over Redis the two people of a visit may be served by two processes."""

import time

from tests.consultations.rooms.people import Doctor, Patient
from tests.e2e.server import AppServer


async def test_two_people_on_two_processes_meet(two_servers: tuple[AppServer, AppServer]) -> None:
    first, second = two_servers
    patient, doctor = Patient(first.base_url), Doctor(second.base_url)
    patient.redeem(second.patient_url)
    doctor.sign_in(second.practitioner_url)
    async with doctor.socket("/ws/today/") as today:
        await today.until("today", event="changed")  # it listens
        patient.walk_to_waiting()
        await today.until("today", event="arrived")
    async with patient.visit_socket() as waiting, doctor.visit_socket(patient.code) as calling:
        await waiting.hello()
        seen = (await calling.hello())["state"]
        seat = seen["participants"][0]
        assert seat["present"]
        assert seat["page"] == waiting.page
        await waiting.until_state(lambda state: state["participants"][0]["present"], within_s=2)
        started = time.monotonic()
        assert (await calling.ask("admit", participant=seat["id"], identity="known"))["ok"]
        mine = await waiting.until_state(lambda state: state["join"])
        assert time.monotonic() - started < 2  # nudged, not swept
        for seq in range(1, 21):
            await waiting.signal(mine["participants"][0], seq, {"kind": "restart"})
        assert [(await calling.until("signal"))["seq"] for _ in range(20)] == list(range(1, 21))
        # A newer page on the other process takes the seat over.
        elsewhere = Patient(second.base_url)
        elsewhere.http.cookies = patient.http.cookies
        elsewhere.code = patient.code
        async with elsewhere.visit_socket() as newer:
            await newer.hello()
            assert await waiting.closed() == 4409
            assert (await calling.ask("finish", outcome="done"))["ok"]
            assert await newer.closed() == 4410
