"""An interpreter comes into a running visit by a one-time link: asked in, let in, seen by all, removed again."""

import pytest
from playwright.async_api import expect

from tests.e2e.chromium import Person, person
from tests.e2e.first_visit import admit, connected, open_visit, sign_in, text_becomes, walk_to_waiting
from tests.e2e.inspection import DESK, PHONE, Inspection
from tests.e2e.server import AppServer

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

# Three browsers on a small machine: what is shown here does not need many frames.
FEW_FRAMES = ("--use-fake-device-for-media-stream=fps=10",)


async def test_an_interpreter_is_invited_let_in_seen_by_all_and_removed() -> None:
    phone = {"viewport": PHONE, "has_touch": True, "flags": FEW_FRAMES}
    with AppServer() as server:
        async with (
            person("doctor", viewport=DESK, flags=FEW_FRAMES) as doctor,
            person("patient", **phone) as patient,
            person("interpreter", **phone) as interpreter,
        ):
            await sign_in(doctor, server)
            await open_visit(doctor, server)
            await walk_to_waiting(patient, server)
            await doctor.sees("admit")
            await admit(doctor)
            await connected(doctor, patient)
            link = await invite(doctor, "Amina Diallo")
            await walk_as_guest(interpreter, link)
            await expect(doctor.page.locator(".waiting-card")).to_contain_text("Interpreter")
            await admit(doctor)

            everybody = (doctor, patient, interpreter)
            for one in everybody:
                await text_becomes(one, "privacy-badge", "Through the clinic's server, end-to-end encrypted")
                await expect(one.page.locator(".tile")).to_have_count(2)
                # A picture of each of the others, not of one of them twice.
                await expect(one.page.locator(".tile[data-connection=live][data-covered=false]")).to_have_count(
                    2, timeout=20_000
                )
            for one in (doctor, patient):
                await expect(one.page.locator(".tile", has_text="Amina Diallo")).to_contain_text("Interpreter")

            await remove(doctor, "Amina Diallo")
            await expect(interpreter.page.locator("[data-step=trouble]")).to_be_visible()
            await expect(patient.page.locator(".tile")).to_have_count(1)
            await doctor.sees_and_hears()
            await patient.sees_and_hears()
            assert [one.problems for one in everybody] == [[], [], []]


async def invite(doctor: Person, name: str) -> str:
    """The link that the dialog shows."""
    await doctor.page.get_by_role("tab", name="People").click()
    await doctor.click("invite")
    await doctor.page.get_by_label("Interpreter").check()
    await doctor.page.get_by_label("Name").fill(name)
    await doctor.click("invite-create")
    await doctor.sees("invite-link")
    link = await doctor.page.get_by_test_id("invite-link").input_value()
    await doctor.page.keyboard.press("Escape")
    await expect(doctor.page.get_by_test_id("invite")).to_be_focused()
    return link


async def walk_as_guest(guest: Person, link: str) -> None:
    """Three steps instead of four, and nothing is asked that only a patient has to tell."""
    side = Inspection(least_target_px=44)
    page = guest.page
    await page.goto(link)
    await expect(page.get_by_text("You are invited as an interpreter.")).to_be_visible()
    await side.look(page, "arrival of a guest")
    await guest.click("join-continue")
    await expect(page.get_by_text("Step 2 of 3")).to_be_visible()
    asked = await page.locator("[data-step=details]").locator("input:visible, textarea:visible").all()
    assert [await one.get_attribute("name") for one in asked] == ["name"]
    await side.look(page, "name of a guest")
    await guest.click("details-continue")
    await guest.click("device-check-done")
    await guest.sees("waiting")
    side.assert_nothing_found()


async def remove(doctor: Person, name: str) -> None:
    row = doctor.page.locator(".person", has_text=name)
    await row.get_by_text("Remove", exact=True).click()
    await row.get_by_role("button", name="Another reason").click()
    await expect(row).to_contain_text("Removed")
