"""The practitioner's day in a real browser: a link out in 20 s, an arrival seen and counted without a reload."""

import re
import time

import pytest
from playwright.async_api import expect

from tests.e2e.first_visit import fill_details, sign_in, two_people
from tests.e2e.server import AppServer

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]
START_NOW_LIMIT_S = 20
# How many notes the page has played: sound itself leaves no trace that a test could read.
COUNT_NOTES = """
window.__notes = 0;
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...when) { window.__notes += 1; return start.apply(this, when); };
"""


async def test_a_link_is_out_within_20_seconds_and_the_arrival_is_told() -> None:
    with AppServer() as server:
        async with two_people(server) as visit:
            doctor, patient = visit.doctor, visit.patient
            await doctor.page.add_init_script(COUNT_NOTES)
            await sign_in(doctor, server)
            started = time.monotonic()
            await doctor.click("start-now")
            await doctor.page.get_by_label("Full name").type("Eva Stein", delay=60)
            await doctor.page.get_by_label("E-mail address or mobile number").type("eva.stein@demo.invalid", delay=60)
            await doctor.click("start-now-send")
            await doctor.sees("link-sent")
            assert time.monotonic() - started < START_NOW_LIMIT_S
            url = await doctor.page.get_by_test_id("patient-link").input_value()
            assert url in server.log_text()  # the demo prints its mails
            await doctor.page.get_by_role("link", name="Back to today").click()
            row = doctor.page.locator("li", has_text="Eva Stein")
            await expect(row.get_by_test_id("visit-state")).to_have_text("Expected")
            await expect(doctor.page).to_have_title("Today")

            # Focus stays where it is while the list renews itself.
            await row.get_by_role("link", name="Eva Stein").first.focus()
            await patient.page.goto(url)
            await patient.click("join-continue")
            await expect(row.get_by_test_id("visit-state")).to_have_text("Getting ready", timeout=10_000)
            focused = await doctor.page.evaluate("document.activeElement.textContent")
            assert focused == "Eva Stein"

            # Arriving is seen, counted, announced and heard, without anybody touching the page.
            assert await doctor.page.evaluate("window.__notes") == 0
            await fill_details(patient.page)
            await patient.click("details-continue")
            await patient.click("device-check-done")
            await patient.click("consent-agree")
            await patient.sees("waiting")
            await expect(row.get_by_test_id("visit-state")).to_contain_text("Waiting", timeout=10_000)
            await expect(doctor.page).to_have_title(re.compile(r"1"))
            await expect(doctor.page.locator("#announce")).to_contain_text("Eva Stein")
            assert await doctor.page.evaluate("window.__notes") > 0
            assert visit.violations == []
            assert visit.foreign_requests == []


async def test_moving_and_cancelling_from_the_day() -> None:
    with AppServer() as server:
        async with two_people(server) as visit:
            page = visit.doctor.page
            await sign_in(visit.doctor, server)
            row = page.locator("li", has_text="Nora Niles")
            await row.locator("summary").click()
            await row.get_by_test_id("reschedule").click()
            # Paul's visit stands at that time: a sentence, and the form keeps what was typed.
            taken = await _start_of(page, server, "Paul Peters")
            await page.get_by_label("Start").fill(taken)
            await page.get_by_test_id("move").click()
            await expect(page.locator("#error-summary")).to_contain_text("overlaps with another visit")
            await expect(page.get_by_label("Start")).to_have_value(taken)
            await page.goto(f"{server.base_url}/today/")
            await row.locator("summary").click()
            await row.get_by_test_id("cancel").click()
            await page.get_by_test_id("cancel-confirm").click()
            await expect(page.get_by_text("The visit is cancelled")).to_be_visible()
            await page.goto(f"{server.base_url}/today/")
            await expect(row.get_by_test_id("visit-state")).to_have_text("Cancelled")
            await expect(row.get_by_test_id("open-visit")).to_have_count(0)


async def _start_of(page: object, server: AppServer, name: str) -> str:
    """The time at which that patient's visit starts, read from the day in a second tab."""
    tab = await page.context.new_page()
    await tab.goto(f"{server.base_url}/today/")
    text = await tab.locator("li", has_text=name).locator("time").first.inner_text()
    await tab.close()
    return text
