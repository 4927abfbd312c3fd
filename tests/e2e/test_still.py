"""A sharp picture: asked for, agreed to, looked at, sent in parts over the path that stands, large, kept only with a yes."""

import pytest
from playwright.async_api import expect

from tests.e2e import first_visit
from tests.e2e.chromium import eventually
from tests.e2e.server import AppServer

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(200)]

ON_THE_SERVER = "from consultations.appointments.models import VisitType; VisitType.objects.update(is_group=True)"
KEPT = (
    "from consultations.recordings.models import Attachment; "
    "print(*Attachment.objects.values_list('kind', 'content_type', 'scan').first() or ['none'])"
)
PICTURE = """(image) => ({width: image.naturalWidth, height: image.naturalHeight})"""


@pytest.mark.parametrize("route", ["direct", pytest.param("server", marks=pytest.mark.soak)])
async def test_a_sharp_picture_goes_from_the_patient_to_the_practitioner_while_the_call_goes_on(route):
    with AppServer() as server:
        async with first_visit.two_people(server) as visit:
            doctor, patient = visit.doctor, visit.patient
            await first_visit.sign_in(doctor, server)
            if route == "server":
                server.run(ON_THE_SERVER)  # not before: the demo's sign-in leads to a visit for two
            await first_visit.open_visit(doctor, server)
            await first_visit.walk_to_waiting(patient, server)
            await first_visit.admit(doctor)
            for one in (doctor, patient):
                await expect(one.page.get_by_test_id("route")).to_have_attribute("data-route", route, timeout=40_000)

            # A no is an answer.
            await doctor.click("ask-still")
            await patient.sees("still-ask")
            await patient.click("still-refuse")
            await first_visit.text_becomes(doctor, "still-note", "does not want a picture")

            await doctor.click("ask-still")
            await patient.sees("still-ask")
            await patient.click("still-take")
            preview = patient.page.locator("[data-part=still_preview]")
            await expect(preview).to_be_visible(timeout=20_000)
            size = await preview.evaluate(PICTURE)
            assert size["width"] >= 1280, size
            await patient.page.get_by_test_id("still-may-keep").check()
            await patient.click("still-send")
            await doctor.sees("still-dialog", within_s=30)
            assert await doctor.page.get_by_test_id("still-picture").evaluate(PICTURE) == size
            await expect(patient.page.get_by_test_id("still-ask")).to_be_hidden(timeout=10_000)
            for one in (doctor, patient):
                await one.sees_and_hears()

            # Larger by key and by button, and the picture itself gets larger.
            picture = doctor.page.get_by_test_id("still-picture")
            before = await picture.evaluate("(image) => image.clientWidth")
            await doctor.page.keyboard.press("+")
            await doctor.click("still-larger")
            assert await picture.evaluate("(image) => image.clientWidth") > before

            assert server.run(KEPT).strip() == "none"
            await doctor.click("still-keep")
            await first_visit.text_becomes(doctor, "still-fate", "in the record now")
            assert server.run(KEPT).split() == ["still", "image/jpeg", "clean"]
            await doctor.page.keyboard.press("Escape")
            await expect(doctor.page.get_by_test_id("still-dialog")).to_be_hidden()

            async def nothing_left() -> bool:
                return [await one.get_attribute("src") for one in (picture, preview)] == [None, None]

            await eventually(nothing_left, 5, lambda: "a page holds the picture")
            assert [*doctor.problems, *patient.problems, *visit.violations] == []
