"""Every page and state under axe-core (WCAG 2.2 A and AA), in light and dark, wide and narrow; target sizes; 400 % zoom;
stillness under prefers-reduced-motion. One server; each test walks and reports all it found at once.

test_visit_accessibility.py does the same in the visit; test_keyboard_journey.py holds what only hands on a keyboard can show.
"""

import json
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Page, Route, expect

from tests.e2e.chromium import Person, person
from tests.e2e.first_visit import (
    fill_details,
    sign_in,
)
from tests.e2e.inspection import (
    DESK,
    MOVING,
    SMALL_TARGETS,
    WIDER_THAN_THE_WINDOW,
    ZOOMED,
    Inspection,
    new_page,
    run_axe,
    shown_as,
)
from tests.e2e.server import AppServer

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

EMMA, PASSWORD, SECRET = "emma@example.test", "correct horse battery staple", "JBSWY3DPEHPK3PXP"
# A practitioner with an authenticator app and an empty day.
MAKE_EMMA = f"""
from allauth.mfa.models import Authenticator; from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.utils import encrypt
from consultations.clinics.models import Clinic, Membership
from consultations.practitioners.actions import register_practitioner
from telemed.accounts.models import User
emma = User.objects.create_user({EMMA!r}, {PASSWORD!r}, name="Emma Empty")
Membership.objects.create(user=emma, clinic=Clinic.objects.create(name="Quiet Clinic"), role="practitioner")
register_practitioner(emma, title="Dr.", registration_number="1", registration_body="Board", specialties=[], acting_user=None)
Authenticator.objects.create(user=emma, type="totp", data={{"secret": encrypt({SECRET!r})}})
RecoveryCodes.activate(emma)
"""
CODE_NOW = f"""
import time; from allauth.mfa.totp.internal.auth import hotp_value, format_hotp_value
print(format_hotp_value(hotp_value({SECRET!r}, int(time.time()) // 30)))
"""
# Codes are random; the widest that can come.
WIDEST_CODES = """
from consultations.appointments.models import Appointment; from consultations.rooms.models import Room
for model, field in ((Room, "code"), (Appointment, "public_id")):
    for number, key in enumerate(model.objects.values_list("pk", flat=True)):
        model.objects.filter(pk=key).update(**{field: f"{number:0>4}".replace("0", "W").rjust(22, "W")})
"""
# Links that lead into each kind of trouble, as JSON in the last line (the mail about the cancelled visit comes before).
TROUBLED_LINKS = """
import json; from datetime import timedelta; from django.utils import timezone
from consultations.rooms.actions.booking import cancel_visit; from consultations.rooms.actions.links import mint_link
from consultations.rooms.models import JoinLink, Participant
from telemed.lib.ids import token_hash
def seat(name): return Participant.objects.get(role="patient", room__appointment__patient__name=name)
early, cancelled, late = (mint_link(seat(name), acting_user=None) for name in ("Lena Vogt", "Omar Haddad", "Nora Niles"))
cancel_visit(seat("Omar Haddad").room.appointment, acting_user=None)
JoinLink.objects.filter(token_hash=token_hash(late)).update(
  valid_from=timezone.now() - timedelta(hours=2), valid_until=timezone.now() - timedelta(hours=1))
print(json.dumps({"early": early, "cancelled": cancelled, "late": late, "unknown": "x" * 43, "no_link": ""}))
"""
# A finished visit whose path moved three times; prints its code.
TELL_A_STORY = """
from consultations.rooms.models import Participant, Room
from tests.consultations.rooms.told_visits import tell_long_visit
room = Room.objects.get(appointment__patient__name="Ruth Adler")
for role in ("practitioner", "patient"): Participant.objects.create(room=room, role=role, name=role)
tell_long_visit(room, room.appointment.starts_at)
print(room.code)
"""
RENDER_ERRORS = """
import json; from django.template.loader import render_to_string; from django.test import RequestFactory
from django.views import defaults
request = RequestFactory().get("/", HTTP_HOST="localhost"); request.csp_nonce = ""; request.LANGUAGE_CODE = "en"
print(json.dumps({"500": defaults.server_error(request).content.decode(),
  **{name: render_to_string(f"{name}.html", request=request) for name in ("400", "429", "403_csrf")}}))
"""


@pytest.fixture(scope="module")
def server() -> Iterator[AppServer]:
    with AppServer() as server:
        yield server


@pytest_asyncio.fixture
async def visitor() -> AsyncIterator[Person]:
    async with person("visitor", viewport=DESK) as one:
        yield one


async def test_the_inspection_finds_what_is_wrong(visitor: Person) -> None:
    page = visitor.page
    await page.set_content(
        "<!doctype html><title>Wrong</title><p style='color:#999;background:#fff;width:700px'>Too pale and too wide</p>"
        "<input style='width:20px;height:12px;padding:0;border:0;transition:width 2s'>"
    )
    found = "\n".join(await run_axe(page))
    for rule in ("serious color-contrast", "critical label", "serious html-has-lang"):
        assert rule in found
    assert "20 x 12 px" in (await page.evaluate(SMALL_TARGETS, 24))[0]
    async with shown_as(page, ZOOMED, reduced_motion="reduce"):
        assert await page.evaluate(WIDER_THAN_THE_WINDOW)
        assert "2s" in (await page.evaluate(MOVING))[0]
    inspection = Inspection()
    await inspection.look(page, "wrong")
    with pytest.raises(AssertionError, match="color-contrast"):
        inspection.assert_nothing_found()


async def test_pages_before_and_around_signing_in(server: AppServer, visitor: Person) -> None:
    inspection, page, base = Inspection(), visitor.page, server.base_url
    server.run(MAKE_EMMA)
    await page.goto(base)
    await inspection.look(page, "home", thorough=True)
    for path, name in (
        ("accounts/password/reset/", "reset"),
        ("nothing-here/", "404"),
        ("demo/sign-in/practitioner/", "demo sign-in"),
    ):
        await page.goto(f"{base}/{path}")
        await inspection.look(page, name)
    await page.goto(base)
    async with page.expect_response(lambda answer: answer.status == 403):
        await page.goto(f"{base}/demo/sign-in/practitioner/#wrong")
    await expect(page.locator("#demo-sign-in")).to_have_count(0)
    await inspection.look(page, "403")
    await look_at_rendered_errors(inspection, server, page)

    await page.goto(f"{base}/accounts/login/")
    await inspection.look(page, "login", thorough=True)
    await page.get_by_test_id("password-login").click()
    await expect(page.locator("#error-summary")).to_be_visible()
    await inspection.look(page, "login refused")
    await page.get_by_label("E-mail").fill(EMMA)
    await page.get_by_role("textbox", name="Password").fill(PASSWORD)
    await page.get_by_test_id("password-login").click()
    await expect(page.get_by_test_id("code-confirm")).to_be_visible()
    await inspection.look(page, "second factor")
    await page.locator("[name=code]").fill(server.run(CODE_NOW).strip())
    await page.get_by_test_id("code-confirm").click()
    await page.wait_for_url("**/today/")
    await expect(page.get_by_role("heading", name="No visits today")).to_be_visible()
    await inspection.look(page, "empty day", thorough=True)
    security = ("", "app/", "passkeys/", "passkeys/add/", "recovery-codes/", "recovery-codes/new/")
    for path in (*(f"security/{part}" for part in security), "sessions/", "password/change/"):
        answer = await page.goto(f"{base}/accounts/{path}")
        assert answer is not None and answer.status == 200, f"{path}: {answer and answer.status}"
        await inspection.look(page, path)
    inspection.assert_nothing_found()


async def look_at_rendered_errors(inspection: Inspection, server: AppServer, page: Page) -> None:
    """The pages that nobody can ask for, rendered by the server's own code and shown at its address, with its styles."""
    pages = json.loads(server.run(RENDER_ERRORS))

    async def answer(route: Route) -> None:
        await route.fulfill(content_type="text/html", body=pages[route.request.url.rstrip("/").rsplit("/", 1)[1]])

    await page.route("**/shown-error/*", answer)
    for name in pages:
        await page.goto(f"{server.base_url}/shown-error/{name}")
        await expect(page.locator("h1")).to_be_visible()
        await inspection.look(page, name)


async def test_pages_of_the_practitioners_day(server: AppServer, visitor: Person) -> None:
    inspection, page, base = Inspection(), visitor.page, server.base_url
    await sign_in(visitor, server)
    await inspection.look(page, "today", thorough=True)
    row = page.locator("li", has_text="Nora Niles")
    await row.locator("summary").click()
    await inspection.look(page, "today, menu open")
    appointment = await row.get_by_role("link", name="Nora Niles").first.get_attribute("href")
    await page.goto(f"{base}{appointment}")
    await inspection.look(page, "appointment")
    await page.goto(f"{base}{appointment}reschedule/")
    await inspection.look(page, "reschedule")
    await page.goto(f"{base}/appointments/new/")
    await inspection.look(page, "new visit", thorough=True)
    await page.get_by_test_id("book").click()
    await expect(page.locator("#error-summary")).to_be_visible()
    await inspection.look(page, "new visit refused")
    await page.goto(f"{base}/start-now/")
    await inspection.look(page, "start now")
    await page.get_by_label("Full name").fill("Eva Stein")
    await page.get_by_label("E-mail address or mobile number").fill("eva.stein@demo.invalid")
    await page.get_by_test_id("start-now-send").click()
    await expect(page.get_by_test_id("link-sent")).to_be_visible()
    await inspection.look(page, "link sent")
    inspection.assert_nothing_found()


async def test_administration(server: AppServer, visitor: Person) -> None:
    # Django's tables have headers without words ("best-practice" of axe, not of WCAG): nothing of ours.
    inspection, page, base = Inspection(more_tags=()), visitor.page, server.base_url
    server.run(WIDEST_CODES)
    await page.goto(server.admin_url)
    await page.wait_for_url("**/admin/")
    await inspection.look(page, "admin home", thorough=True)
    lists = await page.locator("#content tr > th > a").evaluate_all(
        "(links) => links.map((link) => link.getAttribute('href'))"
    )
    assert len(lists) >= 10
    for address in lists:
        await page.goto(f"{base}{address}")
        await inspection.look(page, address)
        rows = page.locator("#result_list tbody th a")
        if await rows.count():
            await rows.first.click()
            await inspection.look(page, f"{address} form", thorough="/clinic/" in address)
    await page.goto(f"{base}/admin/accounts/user/add/")
    await page.locator("[name=_save]").click()
    await expect(page.locator(".errornote")).to_be_visible()
    await inspection.look(page, "new user refused")
    code = server.run(TELL_A_STORY).strip()
    await page.goto(f"{base}/admin/rooms/room/connections/")
    await expect(page.get_by_text("Moved during the visit")).to_be_visible()
    await inspection.look(page, "how well visits connect")
    await page.goto(f"{base}/visit/{code}/path/")
    await expect(page.get_by_test_id("story-drawing")).to_be_visible()
    await inspection.look(page, "story of the path", thorough=True)
    inspection.assert_nothing_found()


async def test_the_patients_path(server: AppServer, visitor: Person) -> None:
    inspection, page, base = Inspection(least_target_px=44), visitor.page, server.base_url
    for kind, token in json.loads(server.run(TROUBLED_LINKS).splitlines()[-1]).items():
        await page.goto(f"{base}/")
        await page.goto(f"{base}/join/#{token}")
        step = "arrival" if kind == "early" else "trouble"
        await expect(page.locator(f"[data-step={step}] h1")).to_be_visible()
        await inspection.look(page, f"link {kind}")
    await page.goto(f"{base}/")
    await page.goto(server.patient_url)
    await expect(page.get_by_test_id("join-continue")).to_be_visible()
    await inspection.look(page, "arrival", thorough=True)
    await visitor.click("join-continue")
    await visitor.click("details-continue")
    await expect(page.locator("[data-step=details] [data-part=errors]")).to_be_visible()
    await inspection.look(page, "details refused")
    await fill_details(page)
    await inspection.look(page, "details", thorough=True)
    await visitor.click("details-continue")
    await expect(page.locator("[data-step=device_check] [data-check=network] .badge")).not_to_be_empty()
    await page.locator("[data-step=device_check] details:visible summary").first.click()
    await inspection.look(page, "device check", thorough=True)
    await visitor.click("device-check-done")
    await page.locator("[data-step=consent] summary").click()
    await inspection.look(page, "consent", thorough=True)
    await visitor.click("consent-refuse")
    await expect(page.locator("[data-step=trouble] h1")).to_be_visible()
    await inspection.look(page, "consent refused")
    await page.get_by_role("button", name="Back to the question").click()
    await visitor.click("consent-agree")
    await visitor.sees("waiting")
    await inspection.look(page, "waiting", thorough=True)
    await page.context.set_offline(True)
    await expect(page.locator("[data-part=offline]")).to_be_visible()
    await inspection.look(page, "offline")
    await page.context.set_offline(False)

    # A second device that asks for the same place.
    second = await new_page(visitor)
    await second.goto(server.patient_url)
    await second.get_by_test_id("join-continue").click()
    await expect(second.locator("[data-step=trouble] h1")).to_be_visible()
    await inspection.look(second, "already in on another device")
    inspection.assert_nothing_found()
