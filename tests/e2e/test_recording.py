"""A recorded visit in two real browsers, encrypted: everybody is asked, sees the mark, and takes it back with one press."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from playwright.async_api import expect

from tests.e2e.chromium import Person, eventually, person
from tests.e2e.first_visit import admit, connected, open_visit, sign_in, walk_to_waiting
from tests.e2e.inspection import DESK, PHONE, Inspection
from tests.e2e.server import AppServer

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


def rows(server: AppServer, table: str) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(server.var_directory / "demo.sqlite3")) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute(f"SELECT * FROM {table} ORDER BY id")]


async def row_becomes(server: AppServer, holds: Callable[[dict[str, Any]], bool], within_s: float = 20) -> None:
    async def found() -> bool:
        return any(holds(row) for row in rows(server, "recordings_recording"))

    await eventually(found, within_s, lambda: "the recording did not get there")


async def press_record(doctor: Person) -> None:
    button = doctor.page.get_by_test_id("toggle-recording")
    await expect(button).to_be_visible(timeout=10_000)
    await button.click()


async def by_server(*people: Person) -> None:
    for one in people:
        await expect(one.page.get_by_test_id("route")).to_have_attribute("data-route", "server", timeout=25_000)
    for one in people:
        await one.sees_and_hears()


async def test_a_recorded_visit() -> None:
    staff_side, patient_side = Inspection(), Inspection(least_target_px=44)
    with AppServer() as server:
        async with (
            person("doctor", viewport=DESK) as doctor,
            person("patient", viewport=PHONE, has_touch=True) as patient,
        ):
            await sign_in(doctor, server)
            await open_visit(doctor, server)
            await expect(doctor.page.get_by_test_id("toggle-recording")).to_be_hidden()
            await walk_to_waiting(patient, server)
            await admit(doctor)
            await connected(doctor, patient)
            await press_record(doctor)
            for one, side in ((doctor, staff_side), (patient, patient_side)):
                await expect(one.page.get_by_test_id("recording-ask")).to_be_visible()
                await side.look(one.page, f"{one.name} is asked", thorough=True)
            assert not list((server.var_directory / "recordings").rglob("*.sealed")), "nothing before everybody's yes"

            # One press each, and one press back.
            await doctor.click("recording-agree")
            await expect(doctor.page.get_by_test_id("recording-note")).to_be_visible()
            await patient.click("recording-agree")
            for one in (doctor, patient):
                await expect(one.page.get_by_test_id("recording-mark")).to_be_visible(timeout=10_000)
            await by_server(doctor, patient)
            folder = server.var_directory / "recordings"

            async def all_written() -> bool:
                files = list(folder.rglob("*.sealed"))
                return len(files) == 4 and all(file.stat().st_size > 3000 for file in files)

            await eventually(all_written, 30, lambda: "not everybody was written down")
            for one, side in ((doctor, staff_side), (patient, patient_side)):
                await side.look(one.page, f"{one.name} is recorded", thorough=True)
            await patient.click("recording-withdraw")
            for one in (doctor, patient):
                await expect(one.page.get_by_test_id("recording-mark")).to_be_hidden(timeout=2_000)
            await row_becomes(server, lambda row: row["state"] == "complete")
            await by_server(doctor, patient)

            # Afterwards: the doctor watches what is left, the patient sees what they said.
            await patient.click("leave")
            await expect(patient.page.get_by_test_id("after-captures")).to_be_visible()
            await patient_side.look(patient.page, "after a recording", thorough=True)
            await doctor.click("finish-visit")
            await doctor.click("outcome-done")
            await doctor.page.wait_for_url("**/today/")
            await doctor.page.goto(f"{server.base_url}/recordings/")
            await staff_side.look(doctor.page, "recordings", thorough=True)
            await doctor.page.get_by_test_id("recordings").get_by_role("link").first.click()
            player = doctor.page.get_by_test_id("player")
            await expect(player).to_have_count(1)
            played = await player.evaluate(
                """async (video) => {
                  video.muted = true;
                  await video.play();
                  await new Promise((done) => video.addEventListener("timeupdate", () => video.currentTime > 0.3 && done()));
                  const at = video.currentTime;
                  video.currentTime = 1;
                  await new Promise((done) => video.addEventListener("seeked", done, {once: true}));
                  return {at, width: video.videoWidth, duration: video.duration};
                }"""
            )
            assert played["width"] > 0, played
            assert played["duration"] > 1, played
            await staff_side.look(doctor.page, "one recording", thorough=True)
    found = [*staff_side.findings, *patient_side.findings]
    assert not found, "\n" + "\n".join(found)
