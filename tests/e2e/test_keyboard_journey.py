"""A whole visit without a mouse: link to leaving for the patient, admission to outcome for the practitioner.

Nothing here clicks or calls focus(): only keys. At every stop the focused element must be in the window, not covered,
and visibly marked; every step puts the focus on its heading; what happens elsewhere is said by a live region.
"""

import pytest
from playwright.async_api import expect

from tests.e2e.chromium import Person, eventually, person
from tests.e2e.first_visit import DETAILS, Visit, connected, open_visit, sign_in, two_people, without_network
from tests.e2e.inspection import MOVING
from tests.e2e.server import AppServer

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

MOST_STOPS = 60
FOCUS = """() => {
  const element = document.activeElement;
  if (!element || element === document.body) return {tag: "body", id: "body", name: "", testid: "", problems: []};
  const problems = [];
  const target = element.matches("input[type=radio], input[type=checkbox]") ? element.closest("label") ?? element : element;
  const box = target.getBoundingClientRect();
  // In view in part and not covered (WCAG 2.4.11): one of five points of it is on top.
  const points = [[0.5, 0.5], [0.1, 0.5], [0.9, 0.5], [0.5, 0.15], [0.5, 0.85]].map(([x, y]) => [box.left + box.width * x, box.top + box.height * y]);
  const seen = points.some(([x, y]) => { const top = document.elementFromPoint(x, y); return top && target.contains(top); });
  if (!seen) problems.push(`out of sight or covered at ${Math.round(box.left)},${Math.round(box.top)} by ${document.elementFromPoint(...points[0])?.className ?? "nothing"}`);
  if (!element.matches("[tabindex='-1']")) {
    const marked = [element, target].some((one) => { const style = getComputedStyle(one); return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 && style.outlineColor !== "rgba(0, 0, 0, 0)"; });
    if (!marked) problems.push("the focus is not marked");
  }
  const name = (element.getAttribute("aria-label") ?? element.labels?.[0]?.textContent ?? element.textContent ?? "").trim().replace(/\\s+/g, " ");
  return {tag: element.localName, id: element.id || element.name || element.dataset.action || "", name: name.slice(0, 60), testid: element.dataset.testid ?? "", problems};
}"""
# Everything the live regions ever said, across the visit.
LISTEN = """() => {
  window.__said = [];
  for (const id of ["announce", "announce-now"]) {
    const region = document.getElementById(id);
    new MutationObserver(() => { if (region.textContent) window.__said.push(`${id}: ${region.textContent}`); }).observe(region, {childList: true, characterData: true, subtree: true});
  }
}"""


class Hands:
    """One person's keyboard. `stops` are the places the focus has been, in order."""

    def __init__(self, one: Person) -> None:
        self.one, self.page = one, one.page
        self.stops: list[str] = []

    async def focused(self) -> dict[str, str]:
        found = await self.page.evaluate(FOCUS)
        assert not found["problems"], (
            f"{self.one.name} at {found['tag']} {found['id']} {found['name']!r}: {found['problems']}"
        )
        return dict(found)

    async def press(self, key: str) -> dict[str, str]:
        await self.page.keyboard.press(key)
        found = await self.focused()
        self.stops.append(found["testid"] or found["id"] or found["name"])
        return found

    async def tab_to(self, *, testid: str = "", name: str = "", back: bool = False) -> None:
        """Tab (or Shift+Tab) until the element with that test id, id or visible name has the focus."""
        passed = []
        for _ in range(MOST_STOPS):
            found = await self.press("Shift+Tab" if back else "Tab")
            if (testid and testid in (found["testid"], found["id"])) or (name and name in found["name"]):
                return
            passed.append(found["testid"] or found["id"] or found["name"])
        raise AssertionError(f"{self.one.name}: Tab never comes to {testid or name}, only to {passed}")

    async def type(self, text: str) -> None:
        await self.page.keyboard.type(text)

    async def is_on_heading(self, step: str) -> None:
        """A new step has begun: its heading has the focus, so that a screen reader reads from the top."""
        heading = self.page.locator(f"[data-step={step}] h1")
        await expect(heading).to_be_visible(timeout=15_000)
        await expect(heading).to_be_focused()
        await self.focused()

    async def hears(self, text: str) -> None:
        said: list[str] = []

        async def it_was_said() -> bool:
            said[:] = await self.page.evaluate("window.__said")
            return any(text in one for one in said)

        await eventually(it_was_said, 15, lambda: f"{self.one.name} was never told {text!r}, only {said}")


async def test_hands_feel_a_covered_and_an_unmarked_stop() -> None:
    async with person("control") as one:
        hands = Hands(one)
        await one.page.set_content(
            "<style>:focus{outline:3px solid} #plain:focus{outline:none}</style><button id=fine>Fine</button><button id=plain>Plain</button>"
            "<div style='position:relative'><button id=under>Under</button><div class=lid style='position:absolute;inset:0;background:#fff'></div></div>"
        )
        assert (await hands.press("Tab"))["id"] == "fine"
        for expected in ("the focus is not marked", "covered at .* by lid"):
            with pytest.raises(AssertionError, match=expected):
                await hands.press("Tab")


async def test_a_visit_with_the_keyboard_alone() -> None:
    with AppServer() as server:
        async with two_people(server, viewport={"width": 1280, "height": 800}) as visit:
            await sign_in(visit.doctor, server)
            await open_visit(visit.doctor, server)
            doctor, patient = Hands(visit.doctor), Hands(visit.patient)
            await doctor.page.evaluate(LISTEN)
            await come_to_the_waiting_room(patient, server)
            await admit_by_key(doctor, patient)
            await connected(visit.doctor, visit.patient)
            await talk(doctor, patient)
            await lose_the_connection(visit, doctor, patient)
            await leave_and_finish(doctor, patient)
            assert visit.violations == []


async def come_to_the_waiting_room(patient: Hands, server: AppServer) -> None:
    page = patient.page
    await page.emulate_media(reduced_motion="reduce")
    await page.goto(server.patient_url)
    await page.evaluate(LISTEN)
    await expect(page.get_by_test_id("join-continue")).to_be_visible()
    assert "Skip" in (await patient.press("Tab"))["name"]
    await patient.tab_to(testid="join-continue")
    await page.keyboard.press("Enter")

    await patient.is_on_heading("details")
    await patient.tab_to(testid="details-continue")
    await page.keyboard.press("Enter")
    # What is missing is listed, and the list leads into the field.
    await expect(page.locator("[data-step=details] [data-part=errors]")).to_be_focused()
    await patient.tab_to(name="where you are")
    await page.keyboard.press("Enter")
    assert (await patient.focused())["id"] == "details-location"
    patient.stops.clear()
    await patient.type(DETAILS["location"])
    for name in ("callback_number", "emergency_name", "emergency_phone"):
        await patient.press("Tab")
        assert await page.evaluate("document.activeElement.name") == name
        await patient.type(DETAILS[name])
    await patient.tab_to(testid="details-continue")
    await page.keyboard.press("Enter")

    await patient.is_on_heading("device_check")
    await patient.tab_to(name="Play a sound")
    await page.keyboard.press("Enter")
    await expect(page.locator("[data-step=device_check] [data-part=heard]")).to_be_visible()
    await patient.tab_to(name="Yes, I heard it", back=True)
    await page.keyboard.press("Space")
    await patient.tab_to(testid="device-check-done")
    await page.keyboard.press("Enter")

    await patient.is_on_heading("consent")
    await patient.tab_to(name="What if I say no?")
    await page.keyboard.press("Enter")
    await expect(page.locator("[data-prose=consent_if_refused]")).to_be_visible()
    await patient.tab_to(testid="consent-agree")
    await page.keyboard.press("Enter")
    await patient.is_on_heading("waiting")
    assert await page.evaluate(MOVING) == []


async def admit_by_key(doctor: Hands, patient: Hands) -> None:
    page = doctor.page
    await doctor.hears("is waiting to be let in")
    await expect(page.get_by_test_id("admit")).to_be_visible()
    # The key without a choice: it says what is missing and stands where the choice is made.
    await page.keyboard.press("a")
    await expect(page.get_by_test_id("admission-error")).to_contain_text("Choose first")
    assert (await doctor.focused())["testid"] == "identity-confirmed"
    await page.keyboard.press("Space")
    assert (await doctor.press("ArrowRight"))["testid"] == "identity-known"
    assert (await doctor.press("ArrowLeft"))["testid"] == "identity-confirmed"
    await expect(page.get_by_test_id("identity-confirmed")).to_be_checked()
    await page.keyboard.press("a")
    await doctor.hears("has been admitted")
    await expect(patient.page.get_by_test_id("call")).to_be_visible()
    await patient.hears("announce-now: Your visit begins")
    # The card is gone, and the focus with it: it has to stand somewhere, not on nothing.
    for hands in (doctor, patient):
        assert (await hands.focused())["tag"] != "body", f"{hands.one.name} lost the focus on admission"


async def talk(doctor: Hands, patient: Hands) -> None:
    tile = patient.page.locator(".tile").first
    await doctor.page.keyboard.press("m")
    await expect(tile).to_have_attribute("data-mic", "off")
    await patient.hears("has muted the microphone")
    await doctor.hears("Your microphone is off")
    await doctor.page.keyboard.press("m")
    await expect(tile).to_have_attribute("data-mic", "on")
    await patient.tab_to(testid="toggle-mic")
    await patient.page.keyboard.press("Space")
    await doctor.hears("has muted the microphone")
    await patient.page.keyboard.press("Space")
    # In the order in which they are drawn.
    patient.stops.clear()
    await patient.tab_to(testid="toggle-chat")
    assert patient.stops == ["toggle-camera", "toggle-chat"]
    await patient.page.keyboard.press("Enter")
    await expect(patient.page.get_by_test_id("chat-text")).to_be_focused()
    await patient.type("mmm, I can hear you")
    await patient.page.keyboard.press("Enter")
    await doctor.hears("New message")
    # Letters that are typed are letters, and Escape closes the chat, never the visit.
    await expect(patient.page.get_by_test_id("toggle-mic")).to_have_attribute("data-on", "true")
    await patient.page.keyboard.press("Escape")
    await expect(patient.page.get_by_test_id("chat")).to_be_hidden()
    assert (await patient.focused())["testid"] == "toggle-chat"
    await patient.tab_to(testid="open-devices")
    await patient.page.keyboard.press("Enter")
    await expect(patient.page.locator("dialog[open]")).to_be_visible()
    await patient.page.keyboard.press("Escape")
    assert (await patient.focused())["testid"] == "open-devices"
    await move_the_own_picture(patient)
    for hands in (doctor, patient):
        await hands.page.keyboard.press("Escape")
        await expect(hands.page.get_by_test_id("call")).to_be_visible()
    await patient.one.sees_and_hears()


async def move_the_own_picture(patient: Hands) -> None:
    await patient.tab_to(testid="move_self", back=True)
    await patient.page.keyboard.press("ArrowUp")
    await expect(patient.page.locator("[data-part=self]")).to_have_attribute("data-corner", "top-end")
    await patient.hears("in another corner")
    await patient.page.keyboard.press("ArrowDown")


async def lose_the_connection(visit: Visit, doctor: Hands, patient: Hands) -> None:
    async with without_network(visit.patient):
        for hands in (doctor, patient):
            await expect(hands.page.locator("[data-part=loss]")).to_be_visible(timeout=10_000)
            await hands.hears("announce-now: The connection to")
            await hands.focused()
        await patient.tab_to(name="+49", back=True)
    for hands in (doctor, patient):
        await hands.hears("The connection is back")
    await connected(visit.doctor, visit.patient, within_s=40)


async def leave_and_finish(doctor: Hands, patient: Hands) -> None:
    await patient.tab_to(testid="leave")
    await patient.page.keyboard.press("Enter")
    await patient.is_on_heading("after")
    await doctor.hears("has left the visit")
    await patient.tab_to(testid="return")
    await patient.page.keyboard.press("Enter")
    await expect(patient.page.get_by_test_id("call")).to_be_focused(timeout=20_000)

    await doctor.tab_to(testid="finish-visit", back=True)
    await doctor.page.keyboard.press("Enter")
    await expect(doctor.page.locator("#finish-title")).to_be_focused()
    await doctor.tab_to(name="Go on with the visit")
    await doctor.page.keyboard.press("Enter")
    assert (await doctor.focused())["testid"] == "finish-visit"
    await doctor.page.keyboard.press("Enter")
    await doctor.tab_to(testid="outcome-follow_up")
    await doctor.page.keyboard.press("Enter")
    await doctor.page.wait_for_url("**/today/")
    await patient.is_on_heading("after")
    await expect(patient.page.get_by_test_id("return")).to_be_hidden()
