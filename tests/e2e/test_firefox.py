"""A patient in Firefox and a practitioner in Chromium: two engines, one call."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.e2e.chromium import Person, eventually, person
from tests.e2e.firefox.browser import Firefox, firefox
from tests.e2e.first_visit import DETAILS, admit, connected, open_visit, sign_in, text_becomes
from tests.e2e.server import AppServer

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

PREVIEW_IS_MOVING = (
    "[...document.querySelectorAll('[data-step=device_check] video')].some((one) => one.videoWidth > 0 && !one.paused)"
)
OPEN_CONNECTIONS = "window.__connections.filter((one) => one.connectionState !== 'closed').length"
# Everything that is sent or received passes the worker, or encryption per frame would miss it here.
ENDS_WITHOUT_TRANSFORM = """window.__connections.filter((one) => one.connectionState === 'connected')
  .flatMap((one) => [...one.getSenders(), ...one.getReceivers()]).filter((end) => end.track && !end.transform).length"""


@dataclass
class MixedVisit:
    server: AppServer
    doctor: Person
    patient: Firefox


@pytest_asyncio.fixture
async def visit() -> AsyncIterator[MixedVisit]:
    with AppServer() as server:
        async with person("doctor", viewport={"width": 1440, "height": 900}) as doctor, firefox("patient") as patient:
            await sign_in(doctor, server)
            yield MixedVisit(server, doctor, patient)


async def test_a_patient_in_firefox_has_a_visit(visit: MixedVisit) -> None:
    doctor, patient = visit.doctor, visit.patient
    await open_visit(doctor, visit.server)
    await walk_to_waiting(patient, visit.server)
    await doctor.sees("admit")
    await expect(doctor.page.get_by_test_id("waiting-list")).not_to_contain_text("not played")
    assert await patient.evaluate(OPEN_CONNECTIONS) == 0

    await admit(doctor)
    await in_the_call(doctor, patient)
    await text_becomes(doctor, "route", "Directly between you and ")
    await patient.text_becomes("route", "Directly between you and Dr.")
    await patient.text_becomes("privacy-badge", "Directly, end-to-end encrypted")
    assert await patient.evaluate(ENDS_WITHOUT_TRANSFORM) == 0

    await mute_and_camera_are_told(doctor, patient)

    await patient.reload()
    await in_the_call(doctor, patient)

    await patient.click("leave")
    await patient.sees(selector="[data-step=after]")
    await expect(doctor.page.locator(".tile")).to_have_count(0, timeout=10_000)
    await expect(doctor.page.locator("#announce")).to_contain_text("has left the visit")

    own = urlsplit(visit.server.base_url).netloc
    assert [url for url in patient.requested if urlsplit(url).netloc not in ("", own)] == []
    assert patient.violations == []
    assert patient.problems == []
    assert [text for text in doctor.problems if "exception" in text] == []
    await a_violation_would_be_noticed(patient)


async def walk_to_waiting(patient: Firefox, server: AppServer) -> None:
    await patient.goto(server.patient_url)
    await patient.click("join-continue")
    for name, value in DETAILS.items():
        await patient.fill(f"[data-step=details] [name={name}]", value)
    await patient.click("details-continue")
    await patient.sees("device-check-done")
    await devices_work(patient)
    await patient.click("device-check-done")
    await patient.click("consent-agree")
    await patient.sees("waiting")


async def devices_work(patient: Firefox) -> None:
    await patient.becomes(PREVIEW_IS_MOVING, True)
    await patient.becomes("document.querySelector('[data-text=microphone_state]').innerText", "Works")
    await patient.click(selector="[data-action=play]")
    await patient.sees(selector="[data-action=heard]")
    await patient.click(selector="[data-action=heard]")
    await patient.becomes("document.querySelector('[data-step=device_check] [data-part=blocked]').hidden", True)


async def in_the_call(doctor: Person, patient: Firefox) -> None:
    """Waits until both pages say so, and each engine decodes the other's picture and sound on a direct path."""
    await patient.sees("call", within_s=20)
    await patient.becomes("document.querySelector('[data-testid=route]')?.dataset.route", "direct", within_s=25)
    await connected(doctor)
    media = await patient.sees_and_hears()
    assert media.audio_samples > 0
    assert media.local, "Firefox names no candidate pair"
    assert not media.relayed
    await patient.becomes(
        "(({videoWidth, paused}) => videoWidth > 0 && !paused)(document.querySelector('[data-testid=remote-video]'))"
        " && (({paused, muted}) => !paused && !muted)(document.querySelector('.tile audio'))",
        True,
    )
    assert await patient.evaluate("document.querySelector('[data-part=sound_blocked]').hidden")


async def mute_and_camera_are_told(doctor: Person, patient: Firefox) -> None:
    seen_by_doctor = doctor.page.locator(".tile").first
    for control, name in (("toggle-mic", "mic"), ("toggle-camera", "camera")):
        await patient.click(control)
        await expect(seen_by_doctor).to_have_attribute(f"data-{name}", "off")
        await patient.click(control)
        await expect(seen_by_doctor).to_have_attribute(f"data-{name}", "on")
        await doctor.click(control)
        await patient.becomes(f"document.querySelector('.tile').dataset.{name}", "off")
        if name == "mic":
            assert "Muted" in await patient.text(".tile")
        await doctor.click(control)
        await patient.becomes(f"document.querySelector('.tile').dataset.{name}", "on")
    await doctor.sees_and_hears()
    await patient.sees_and_hears()


async def a_violation_would_be_noticed(patient: Firefox) -> None:
    """The control for "no violation": the next one is told, and by nobody else than the policy."""
    await patient.evaluate(
        "document.body.append(Object.assign(document.createElement('img'), {src: 'https://elsewhere.invalid/x.png'}))"
    )

    async def told() -> bool:
        return any("elsewhere.invalid" in text for text in patient.violations)

    await eventually(told, 10, lambda: f"no violation: {patient.violations} {patient.problems}")
