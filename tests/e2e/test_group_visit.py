"""Three and five people in one visit through the clinic's server, on the product's own pages."""

import contextlib
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import expect

from tests.e2e.chromium import eventually, person
from tests.e2e.first_visit import connected, open_visit, sign_in, text_becomes, walk_to_waiting
from tests.e2e.group_visit import Group, Guest, everyone_gets_everyone, invite, let_in, look, upload_bps, walk_in
from tests.e2e.server import AppServer

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

# Five browsers on two cores: fewer pictures a second, so that what is measured is the way, not the machine.
SLOW_CAMERA = ("--use-fake-device-for-media-stream=device-count=1,fps=8",)


@contextlib.asynccontextmanager
async def group(server: AppServer, *guests: tuple[str, str]) -> AsyncIterator[Group]:
    """The demo's visit with its practitioner and patient, and a browser for each (role, name) that is invited."""
    async with contextlib.AsyncExitStack() as stack:
        doctor = await stack.enter_async_context(
            person("doctor", flags=SLOW_CAMERA, viewport={"width": 1440, "height": 900})
        )
        people = Group(doctor)
        for role, name in (("patient", "Paula"), *guests):
            one = await stack.enter_async_context(person(name, flags=SLOW_CAMERA))
            people.guests[name] = Guest(one, role, name)
        await sign_in(doctor, server)
        await open_visit(doctor, server)
        yield people
        for one in people.people:
            assert [text for text in one.problems if "exception" in text or "Content Security Policy" in text] == []


async def patient_is_in(people: Group, server: AppServer) -> None:
    patient = people.guests["Paula"].person
    await walk_to_waiting(patient, server)
    await let_in(people.doctor, patient)


async def guest_is_in(people: Group, name: str) -> None:
    guest = people.guests[name]
    url = await invite(people.doctor, role=guest.role, name=guest.shown_as)
    await walk_in(guest.person.page, url)
    await let_in(people.doctor, guest.person)


async def test_two_become_three_and_everybody_is_named() -> None:
    with AppServer() as server:
        async with group(server, ("interpreter", "Ines Interpreter")) as people:
            doctor, patient = people.doctor, people.guests["Paula"].person
            await patient_is_in(people, server)
            await connected(doctor, patient)

            await guest_is_in(people, "Ines Interpreter")
            await everyone_gets_everyone(people.people)
            for one in people.people:
                await expect(one.page.get_by_test_id("route")).to_have_attribute("data-route", "server")
                await text_becomes(one, "privacy-badge", "Through the clinic's server, end-to-end encrypted")
            # CLIN-4: everyone is named to everyone, with the role.
            for one in (doctor, patient):
                tile = one.page.locator(".tile", has_text="Ines Interpreter")
                await expect(tile).to_contain_text("Interpreter")

            # Who reloads comes back into the same seat (REL-4).
            guest = people.guests["Ines Interpreter"].person
            await guest.page.reload()
            await guest.sees("call", within_s=20)
            await everyone_gets_everyone(people.people)
            assert len((await look(doctor))["tiles"]) == 2

            # Hands keep the order in which they went up, also for who was not there (a page that was loaded anew).
            for place, one, role in ((1, guest, "Interpreter"), (2, patient, "Patient")):
                await one.click("toggle-hand")
                hand = doctor.page.locator(".tile", has_text=role).locator(".tile__hand")
                await expect(hand).to_contain_text(f"Hand up, number {place}")
            await doctor.page.reload()
            await doctor.sees("call", within_s=20)
            await everyone_gets_everyone(people.people)
            for place, role in ((1, "Interpreter"), (2, "Patient")):
                hand = doctor.page.locator(".tile", has_text=role).locator(".tile__hand")
                await expect(hand).to_contain_text(f"Hand up, number {place}", timeout=10_000)


@pytest.mark.soak  # five browsers, without the product's pages: test_sfu_engine.py
async def test_five_people_come_go_and_are_removed() -> None:
    with AppServer() as server:
        invited = (
            ("interpreter", "Ines Interpreter"),
            ("relative", "Rolf Relative"),
            ("colleague", "Cora Colleague"),
        )
        async with group(server, *invited) as people:
            await patient_is_in(people, server)
            await guest_is_in(people, "Ines Interpreter")
            three = [people.doctor, people.guests["Paula"].person, people.guests["Ines Interpreter"].person]
            await everyone_gets_everyone(three)
            upload_of_three = await upload_bps(people.guests["Paula"].person)
            for _, name in invited[1:]:
                await guest_is_in(people, name)
            await everyone_gets_everyone(people.people, within_s=90)
            upload_of_five = await upload_bps(people.guests["Paula"].person)
            print(f"upload of one person: {upload_of_three:.0f} bit/s among three, {upload_of_five:.0f} among five")

            relative = people.guests.pop("Rolf Relative").person
            await relative.click("leave")
            await everyone_gets_everyone(people.people)

            colleague = people.guests.pop("Cora Colleague").person
            await people.doctor.page.get_by_role("tab", name="People").click()
            row = people.doctor.page.locator("li:has([data-part=remove])", has_text="Cora Colleague")
            await row.locator("[data-part=remove] summary").click()
            await row.locator("[data-reason=other]").click()

            async def cut_off() -> bool:
                return int((await look(colleague))["connections"]) == 0

            await eventually(cut_off, 5, lambda: "who was removed still has a connection")
            await everyone_gets_everyone(people.people)
