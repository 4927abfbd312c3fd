"""The steps of a visit as two people take them, by data-testid: from the link to the call, for every browser test."""

import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from playwright.async_api import Page, expect

from tests.e2e.chromium import Person, eventually, person
from tests.e2e.server import AppServer

DETAILS = {
    "location": "Example Lane 4, 10115 Berlin",
    "callback_number": "+49 30 1234567",
    "emergency_name": "Jonas Example",
    "emergency_phone": "+49 30 7654321",
}


@dataclass
class Visit:
    server: AppServer
    doctor: Person
    patient: Person
    # Every address any of the pages asked for, and every violation of the content policy.
    requested: list[str]
    violations: list[str]

    @property
    def foreign_requests(self) -> list[str]:
        own = urlsplit(self.server.base_url).netloc
        return [url for url in self.requested if urlsplit(url).netloc not in ("", own)]


@contextlib.asynccontextmanager
async def two_people(server: AppServer, **patient_options: object) -> AsyncIterator[Visit]:
    """Two browsers, nobody has opened anything yet."""
    async with (
        person("doctor", viewport={"width": 1440, "height": 900}) as doctor,
        person("patient", **patient_options) as patient,
    ):
        visit = Visit(server, doctor, patient, [], [])
        for one in (doctor, patient):
            await watch(visit, one)
        yield visit


async def watch(visit: Visit, one: Person) -> None:
    """Writes down what the browser asks for and what its content policy refuses, from now on and after every reload."""
    one.context.on("request", lambda request: visit.requested.append(request.url))
    one.page.on("websocket", lambda socket: visit.requested.append(socket.url))
    await one.context.expose_binding(
        "__violation", lambda _source, text: visit.violations.append(f"{one.name}: {text}")
    )
    await one.context.add_init_script(
        "document.addEventListener('securitypolicyviolation', "
        "(event) => window.__violation(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`));"
    )


async def sign_in(doctor: Person, server: AppServer) -> None:
    """Open the practitioner's link; it leads to the visit that can start now. Then go to Today."""
    await doctor.page.goto(server.practitioner_url)
    await doctor.page.wait_for_url("**/visit/*/")
    await doctor.page.goto(f"{server.base_url}/today/")


def visit_code(server: AppServer) -> str:
    """The code of the visit that the demo's patient link belongs to."""
    token = urlsplit(server.patient_url).fragment
    return server.run(
        "from consultations.rooms.models import JoinLink; from telemed.lib.ids import token_hash; "
        f"print(JoinLink.objects.get(token_hash=token_hash({token!r})).participant.room.code)"
    ).strip()


async def open_visit(doctor: Person, server: AppServer) -> None:
    """The practitioner's page, ready before anybody waits."""
    await doctor.page.goto(f"{server.base_url}/visit/{visit_code(server)}/")
    await doctor.sees("call")


async def walk_to_waiting(patient: Person, server: AppServer) -> None:
    """Link, details, device check, consent: what a patient does before the waiting room."""
    page = patient.page
    await page.goto(server.patient_url)
    await patient.click("join-continue")
    await fill_details(page)
    await patient.click("details-continue")
    await patient.click("device-check-done")
    await patient.click("consent-agree")
    await patient.sees("waiting")


async def fill_details(page: Page) -> None:
    await page.get_by_test_id("details-continue").wait_for(state="visible")
    for name, value in DETAILS.items():
        await page.locator(f"[data-step=details] [name={name}]").fill(value)


async def admit(doctor: Person) -> None:
    await doctor.page.get_by_test_id("identity-confirmed").check()
    await doctor.click("admit")


async def connected(*people: Person, within_s: float = 25) -> None:
    """Waits until each page says by itself that it is connected, and picture and sound are decoded."""
    for one in people:
        await expect(one.page.get_by_test_id("route")).to_have_attribute(
            "data-route", "direct", timeout=within_s * 1000
        )
    for one in people:
        await one.sees_and_hears()


async def network_process(one: Person) -> int:
    """The process id of this browser's network service: every socket of it lives there, those of WebRTC too."""
    session = await one.browser.new_browser_cdp_session()
    found = (await session.send("SystemInfo.getProcessInfo"))["processInfo"]
    await session.detach()
    network = [row["id"] for row in found if "NetworkService" in Path(f"/proc/{row['id']}/cmdline").read_text()]
    assert len(network) == 1, f"{one.name} has {len(network)} network services"
    return int(network[0])


@contextlib.asynccontextmanager
async def without_network(one: Person) -> AsyncIterator[None]:
    """Nothing leaves or reaches this browser, and no socket of it is told: what a tunnel does to a phone.

    (CDP's offline mode closes requests and sockets, but lets WebRTC go on.)
    """
    process = await network_process(one)
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


async def stored(one: Person) -> str:
    """Everything this browser has kept: storage of the page and cookies, as one text."""
    kept = await one.page.evaluate("({local: {...localStorage}, session: {...sessionStorage}})")
    databases = await one.page.evaluate(
        "indexedDB.databases ? indexedDB.databases().then((all) => all.map(({name}) => name)) : []"
    )
    return json.dumps([kept, databases, await one.context.cookies()], ensure_ascii=False)


async def text_becomes(one: Person, testid: str, wanted: str, within_s: float = 15) -> None:
    seen = ""

    async def same() -> bool:
        nonlocal seen
        seen = (await one.page.get_by_test_id(testid).inner_text()).strip()
        return wanted in seen

    await eventually(same, within_s, lambda: f"{one.name}: {testid} says {seen!r}, not {wanted!r}")
