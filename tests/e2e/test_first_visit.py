"""The main job, with real parts: a patient opens a link, a practitioner admits them, they see and hear each other."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.e2e.chromium import Person, eventually, person
from tests.e2e.first_visit import (
    DETAILS,
    Visit,
    admit,
    connected,
    open_visit,
    sign_in,
    stored,
    text_becomes,
    two_people,
    visit_code,
    walk_to_waiting,
    watch,
    without_network,
)
from tests.e2e.server import AppServer

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
LOSS_IS_TOLD_WITHIN_S = 3.0  # CLIN-3


@pytest_asyncio.fixture
async def visit() -> AsyncIterator[Visit]:
    """A practitioner signed in and a patient's phone, on a server of their own; nothing foreign and no violation in the end."""
    with AppServer() as server:
        async with two_people(server, **PHONE) as visit:
            await sign_in(visit.doctor, server)
            yield visit
            assert visit.foreign_requests == []
            assert visit.violations == []
            problems = [*visit.doctor.problems, *visit.patient.problems]
            assert [text for text in problems if "exception" in text or "Content Security Policy" in text] == []


async def in_the_visit(visit: Visit) -> None:
    await open_visit(visit.doctor, visit.server)
    await walk_to_waiting(visit.patient, visit.server)
    await visit.doctor.sees("admit")
    await admit(visit.doctor)
    await visit.patient.sees("call")
    await connected(visit.doctor, visit.patient)


async def test_a_visit_from_the_link_to_the_outcome(visit: Visit) -> None:
    doctor, patient = visit.doctor, visit.patient
    await open_visit(doctor, visit.server)
    await doctor.sees("local-video")
    await walk_to_waiting(patient, visit.server)

    # Before admission: the details for the practitioner, and not one packet to anybody (CLIN-1, CLIN-2).
    await doctor.sees("admit")
    card = doctor.page.get_by_test_id("waiting-list")
    for expected in (
        DETAILS["location"],
        DETAILS["callback_number"],
        DETAILS["emergency_name"],
        "112",
        "April 12, 1955",
    ):
        await expect(card).to_contain_text(expected)
    assert (
        await patient.page.evaluate("window.__connections.filter((one) => one.connectionState !== 'closed').length")
        == 0
    )
    await doctor.click("admit")
    await text_becomes(doctor, "admission-error", "Choose first")
    await expect(patient.page.get_by_test_id("waiting")).to_be_visible()
    assert "Directly" not in await doctor.page.locator("body").inner_text()

    await admit(doctor)
    await patient.sees("call")
    await connected(doctor, patient)

    # What is said about the path is what was measured (PRIV-2).
    for one in (doctor, patient):
        await text_becomes(one, "privacy-badge", "Directly, end-to-end encrypted")
        await text_becomes(one, "quality", "Good", within_s=30)
        assert not (await one.media()).relayed
    await text_becomes(doctor, "route", "Directly between you and ")
    await text_becomes(patient, "route", "Directly between you and Dr.")
    await expect(patient.page.locator(".tile__registration")).not_to_be_empty()
    await doctor.click("path-line")
    await expect(doctor.page.get_by_test_id("path-reasons").locator("li").first).to_be_visible()
    await expect(doctor.page.get_by_test_id("path-event")).to_contain_text("connected directly")

    await mute_and_camera_are_told(doctor, patient)
    await chat_goes_both_ways(doctor, patient)
    await notes_are_saved(visit)
    await nothing_of_the_other_is_kept(visit)

    await doctor.click("finish-visit")
    await doctor.click("outcome-follow_up")
    await doctor.page.wait_for_url("**/today/")
    await expect(patient.page.locator("[data-step=after]")).to_be_visible(timeout=10_000)
    assert room_facts(visit) == "ended follow_up"


async def mute_and_camera_are_told(doctor: Person, patient: Person) -> None:
    tile = patient.page.locator(".tile").first
    await doctor.page.locator("body").press("m")
    await expect(tile).to_have_attribute("data-mic", "off")
    await expect(tile.get_by_text("Muted")).to_be_visible()
    await doctor.click("toggle-mic")
    await expect(tile).to_have_attribute("data-mic", "on")
    await doctor.click("toggle-camera")
    await expect(tile).to_have_attribute("data-camera", "off")
    await expect(tile.get_by_text("has the camera off")).to_be_visible()
    await doctor.page.locator("body").press("v")
    await expect(tile).to_have_attribute("data-camera", "on")
    # Escape closes things; it never hangs up.
    await doctor.page.keyboard.press("Escape")
    await expect(doctor.page.get_by_test_id("call")).to_be_visible()
    await doctor.sees_and_hears()


async def chat_goes_both_ways(doctor: Person, patient: Person) -> None:
    for sender, receiver, text in (
        (doctor, patient, "Can you hear me well?"),
        (patient, doctor, "Yes <b>very</b> well"),
    ):
        for one in (sender, receiver):
            if not await one.page.get_by_test_id("chat").is_visible():
                await one.click("toggle-chat")
        await sender.page.get_by_test_id("chat-text").fill(text)
        await sender.click("chat-send")
        await text_becomes(receiver, "chat-log", text)
    for one in (doctor, patient):
        await one.page.get_by_role("button", name="Close").click()


async def notes_are_saved(visit: Visit) -> None:
    page = visit.doctor.page
    await page.get_by_role("tab", name="Notes").click()
    await page.get_by_test_id("notes").fill("Cough for three days.")
    await text_becomes(visit.doctor, "notes-state", "Saved ")
    # Nothing is lost while the server is out of reach: it says so and sends it later.
    await page.route("**/notes/", lambda route: route.abort())
    await page.get_by_test_id("notes").fill("Cough for three days. No fever.")
    await text_becomes(visit.doctor, "notes-state", "Not saved")
    await page.unroute("**/notes/")
    await text_becomes(visit.doctor, "notes-state", "Saved ")
    code = "from consultations.rooms.models import NoteVersion; print(NoteVersion.objects.latest('pk').text)"
    assert visit.server.run(code).strip() == "Cough for three days. No fever."


async def nothing_of_the_other_is_kept(visit: Visit) -> None:
    for one in (visit.doctor, visit.patient):
        kept = await stored(one)
        for private in ("Becker", "Peters", "Cough", "Can you hear me"):
            assert private not in kept
    kept = await stored(visit.doctor)
    for private in DETAILS.values():
        assert private not in kept


async def test_reloads_come_back_into_the_call(visit: Visit) -> None:
    await in_the_visit(visit)
    doctor, patient = visit.doctor, visit.patient
    await patient.page.get_by_test_id("toggle-chat").click()
    await patient.page.get_by_test_id("chat-text").fill("Written before the reload")
    await patient.click("chat-send")

    await patient.page.reload()
    await patient.sees("call")
    await connected(doctor, patient)
    # The peer keeps the chat and hands it over: the server has none.
    await patient.click("toggle-chat")
    await text_becomes(patient, "chat-log", "Written before the reload")

    await doctor.page.reload()
    await doctor.sees("call")
    await connected(doctor, patient)
    assert room_facts(visit) == "live "


async def test_a_lost_connection_is_told_on_both_sides_and_recovers(visit: Visit) -> None:
    await in_the_visit(visit)
    doctor, patient = visit.doctor, visit.patient
    for one in (doctor, patient):
        await note_when_loss_is_shown(one)

    async with without_network(patient):
        for one, number in ((patient, "+49 30 5550 0100"), (doctor, DETAILS["callback_number"])):
            banner = one.page.locator("[data-part=loss]")
            await expect(banner).to_be_visible(timeout=10_000)
            await expect(banner).to_contain_text(number)
            await expect(one.page.locator(".tile[data-connection=lost]")).to_have_count(1)
            await expect(one.page.locator("#announce-now")).to_contain_text("is lost")
            await expect(one.page.get_by_test_id("privacy-badge")).not_to_contain_text("ncrypted")
            assert await silence_before_told_s(one) <= LOSS_IS_TOLD_WITHIN_S
        # What the practitioner needs in an emergency stays readable (CLIN-1).
        await doctor.page.get_by_role("tab", name="Patient").click()
        await expect(doctor.page.get_by_test_id("patient-facts")).to_contain_text(DETAILS["location"])

    for one in (doctor, patient):
        await expect(one.page.locator("[data-part=loss]")).to_be_hidden(timeout=40_000)
        await expect(one.page.locator(".tile[data-connection=live]")).to_have_count(1)
    await connected(doctor, patient)


async def note_when_loss_is_shown(one: Person) -> None:
    """Times, in the page itself, from the last arriving media packet to the banner."""
    await one.page.evaluate(
        """async () => {
          const packets = async () => {
            let sum = 0;
            for (const one of window.__connections) for (const row of (await one.getStats()).values())
              if (row.type === 'inbound-rtp') sum += row.packetsReceived;
            return sum;
          };
          let seen = await packets(), last_ms = performance.now();
          const banner = document.querySelector('[data-part=loss]');
          const timer = setInterval(async () => {
            const now = await packets();
            if (now > seen) { seen = now; last_ms = performance.now(); }
          }, 100);
          new MutationObserver(() => {
            if (banner.hidden || window.__told_after_ms !== undefined) return;
            window.__told_after_ms = performance.now() - last_ms;
            clearInterval(timer);
          }).observe(banner, {attributes: true});
        }"""
    )


async def silence_before_told_s(one: Person) -> float:
    return float(await one.page.evaluate("window.__told_after_ms")) / 1000


async def test_a_second_device_waits_until_it_is_let_in(visit: Visit) -> None:
    await in_the_visit(visit)
    doctor, patient = visit.doctor, visit.patient
    async with person("tablet", viewport={"width": 1024, "height": 768}) as tablet:
        await watch(visit, tablet)
        await tablet.page.goto(visit.server.patient_url)
        await tablet.click("join-continue")
        await doctor.sees("device-asking")
        # The first device keeps the seat and the picture; the second one gets nothing.
        await patient.sees_and_hears()
        assert await tablet.page.evaluate("window.__connections.length") == 0
        await expect(tablet.page.get_by_test_id("call")).to_be_hidden()

        await doctor.click("admit-device")
        await tablet.sees("call", within_s=20)
        await connected(doctor, tablet)
        await expect(patient.page.get_by_test_id("call")).to_be_hidden(timeout=10_000)
        assert visit.foreign_requests == []


async def test_a_patient_who_left_comes_back_with_one_press(visit: Visit) -> None:
    await in_the_visit(visit)
    doctor, patient = visit.doctor, visit.patient
    await patient.click("leave")
    await expect(patient.page.locator("[data-step=after]")).to_be_visible()
    await expect(doctor.page.locator(".tile")).to_have_count(0, timeout=10_000)
    await expect(doctor.page.locator("#announce")).to_contain_text("has left the visit")
    assert room_facts(visit) == "live "
    await patient.click("return")
    await patient.sees("call", within_s=20)
    await connected(doctor, patient)

    # Gone again, and the visit ends meanwhile: the page that offers the way back takes the offer away by itself.
    await patient.click("leave")
    await patient.sees("return")
    await doctor.click("finish-visit")
    await doctor.click("outcome-follow_up")
    await expect(patient.page.get_by_test_id("return")).to_be_hidden(timeout=20_000)
    await expect(patient.page.locator("[data-part=decided]")).to_be_visible()


def room_facts(visit: Visit) -> str:
    """ "<state> <outcome>" of the room, from the database."""
    code = f"from consultations.rooms.models import Room; room = Room.objects.get(code={visit_code(visit.server)!r}); print(room.state, room.outcome)"
    return visit.server.run(code).strip("\n")


async def test_a_practitioner_finds_the_visit_from_today(visit: Visit) -> None:
    await walk_to_waiting(visit.patient, visit.server)
    page = visit.doctor.page
    row = page.locator(f'a[href*="/visit/{visit_code(visit.server)}/"]').first

    async def there() -> bool:
        return await row.count() > 0

    await eventually(there, 15, lambda: "today's list has no way into the visit")
    await row.click()
    await visit.doctor.sees("admit")
