"""The visit itself, on the practitioner's desk and the patient's phone, under the same inspection as every other page."""

import pytest
from playwright.async_api import expect

from tests.e2e.chromium import Person, person
from tests.e2e.first_visit import admit, connected, open_visit, sign_in, text_becomes, walk_to_waiting, without_network
from tests.e2e.inspection import DESK, PHONE, Inspection, new_page
from tests.e2e.server import AppServer

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


async def test_the_visit_on_both_sides() -> None:
    patient_side, staff_side = Inspection(least_target_px=44), Inspection()
    with AppServer() as server:
        await walk_through_the_visit(server, patient_side, staff_side)
    found = [*patient_side.findings, *staff_side.findings]
    assert not found, "\n" + "\n".join(found)


async def walk_through_the_visit(server: AppServer, patient_side: Inspection, staff_side: Inspection) -> None:
    async with person("doctor", viewport=DESK) as doctor, person("patient", viewport=PHONE, has_touch=True) as patient:
        await sign_in(doctor, server)
        await open_visit(doctor, server)
        await staff_side.look(doctor.page, "visit, nobody there")
        await walk_to_waiting(patient, server)
        await doctor.sees("admit")
        await doctor.click("admit")
        await text_becomes(doctor, "admission-error", "Choose first")
        await staff_side.look(doctor.page, "somebody waits", thorough=True)
        other = await new_page(patient)
        await other.goto(server.patient_url)
        await other.get_by_test_id("join-continue").click()
        await doctor.sees("device-asking")
        await staff_side.look(doctor.page, "a second device asks")
        await doctor.click("keep-device")
        await other.context.close()

        await admit(doctor)
        await connected(doctor, patient)
        await staff_side.look(doctor.page, "in the call", thorough=True)
        await patient_side.look(patient.page, "in the call", thorough=True)
        for tab in ("Notes", "People", "Path"):
            await doctor.page.get_by_role("tab", name=tab).click()
            await staff_side.look(doctor.page, f"tab {tab}")
        await look_at_the_calls_extras(doctor, patient, staff_side, patient_side)
        async with without_network(patient):
            for one, side in ((doctor, staff_side), (patient, patient_side)):
                await expect(one.page.locator("[data-part=loss]")).to_be_visible(timeout=10_000)
                await side.look(one.page, "connection lost")
        await connected(doctor, patient, within_s=40)
        await doctor.click("finish-visit")
        await staff_side.look(doctor.page, "finish")
        await patient.click("leave")
        await expect(patient.page.locator("[data-step=after]")).to_be_visible()
        await patient_side.look(patient.page, "left, may return")
        await doctor.click("outcome-follow_up")
        await doctor.page.wait_for_url("**/today/")
        await patient.page.reload()
        await expect(patient.page.locator("[data-step=after]")).to_be_visible()
        await patient_side.look(patient.page, "after", thorough=True)
        await patient.page.locator("[data-action=withdraw]").click()
        await expect(patient.page.locator("[data-part=withdrawn]")).to_be_visible()
        await patient_side.look(patient.page, "consent withdrawn")


async def look_at_the_calls_extras(
    doctor: Person, patient: Person, staff_side: Inspection, patient_side: Inspection
) -> None:
    """Chat with a message, devices, the other one muted and without picture."""
    await patient.click("toggle-chat")
    await patient_side.look(patient.page, "empty chat")
    await patient.page.get_by_test_id("chat-text").fill("Hello")
    await patient.click("chat-send")
    await expect(doctor.page.locator("[data-part=chat_count]")).to_be_visible()
    await staff_side.look(doctor.page, "unread message")
    await doctor.click("toggle-chat")
    for one, side in ((doctor, staff_side), (patient, patient_side)):
        await text_becomes(one, "chat-log", "Hello")
        await side.look(one.page, "chat")
        await one.page.get_by_role("button", name="Close").click()
    await patient.page.get_by_role("button", name="More").click()
    await patient_side.look(patient.page, "more controls")
    for one, side in ((doctor, staff_side), (patient, patient_side)):
        await one.click("open-devices")
        await side.look(one.page, "devices", reflow=False)
        await one.page.keyboard.press("Escape")
    for one in (doctor, patient):
        await one.click("toggle-mic")
        await one.click("toggle-camera")
    for one, side in ((doctor, staff_side), (patient, patient_side)):
        await expect(one.page.get_by_text("has the camera off")).to_be_visible()
        await expect(one.page.locator(".tile__muted")).to_be_visible()
        await side.look(one.page, "muted, no picture")
    for one in (doctor, patient):
        await one.click("toggle-mic")
        await one.click("toggle-camera")
