"""The call for one to eight people, as a phone and a desk show it: who is large, what is asked for, what is said.

The people are made up (call_stage/fake_client.js), the templates, styles and scripts are the real ones.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.e2e.call_stage.pages import StagePages
from tests.e2e.chromium import person
from tests.e2e.inspection import DESK, PHONE, ZOOMED, Inspection

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

WORDS = ["apple", "duck", "magnet", "zebra"]
# What screen readers are told.
LISTEN = """() => {
  window.said = [];
  for (const id of ["announce", "announce-now"]) {
    const region = document.getElementById(id);
    new MutationObserver(() => { if (region.textContent) window.said.push(region.textContent); }).observe(region, {childList: true, characterData: true, subtree: true});
  }
}"""
# Every tile and the own picture, by person: [left, top, width, height] in the window.
PLACES = """() => Object.fromEntries([...document.querySelectorAll(".tile, .self")].map((element) => {
  const {left, top, width, height} = element.getBoundingClientRect();
  const key = element.dataset.participant ? element.dataset.participant + (element.matches(".tile--screen") ? " screen" : "") : "self";
  return [key, [left, top, width, height].map(Math.round)];
}))"""
CONTROLS = """() => [...document.querySelectorAll(".control:not([hidden])")].filter((one) => one.checkVisibility()).map((one) => { const {left, top} = one.getBoundingClientRect(); return [one.dataset.control, Math.round(left), Math.round(top)]; })"""
TROUBLES = """() => {
  client.set_media("cem", {hand: true});
  client.set_media("jonas", {hand: true, mic: false});
  client.set_media("eva", {camera: false});
  client.tell("heartbeat", {peer: "ruth", state: "lost"});
  for (const [peer, word] of [["anna", "good"], ["cem", "fair"], ["li", "poor"]]) client.tell("peer-quality", {peer, word, height: 180});
  client.tell("speakers", {order: ["anna"], speaking: ["anna", "li"]});
}"""


@pytest.fixture(scope="module")
def pages() -> Iterator[StagePages]:
    with StagePages() as served:
        yield served


@asynccontextmanager
async def shown(pages: StagePages, size: dict[str, int] = DESK, **fields: str | int) -> AsyncIterator[Page]:
    """The page with everybody's picture on it; fails when the page complained about anything."""
    async with person("viewer", viewport=size, has_touch=size is PHONE) as one:
        await one.page.goto(pages.url(**fields))
        others = int(fields["people"]) - 1
        await expect(one.page.locator(".tile[data-covered=false]")).to_have_count(others)
        await one.page.evaluate(LISTEN)
        yield one.page
        assert one.problems == []


async def places(page: Page) -> dict[str, list[int]]:
    """Where everybody stands once the stage has been measured."""
    await page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return dict(await page.evaluate(PLACES))


async def view(page: Page) -> dict[str, Any]:
    """What was last asked of the server, by participant and source."""
    await places(page)
    return {f"{want['participant']} {want['source']}": want for want in await page.evaluate("client.views.at(-1)")}


async def said(page: Page, sentence: str) -> None:
    for _ in range(40):
        if sentence in " ".join(await page.evaluate("window.said")):
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"not said: {sentence!r}, only {await page.evaluate('window.said')}")


def largest(found: dict[str, list[int]]) -> str:
    return max(found, key=lambda key: found[key][2] * found[key][3])


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("viewer", ["patient", "practitioner"])
async def test_nobody_is_covered_or_out_of_sight_with_one_to_eight_people(pages, size, viewer):
    async with shown(pages, size, viewer=viewer, people=2) as page:
        for people in range(3, 9):
            await page.goto(pages.url(viewer=viewer, people=people))
            await expect(page.locator(".tile[data-covered=false]")).to_have_count(people - 1)
            found = await places(page)
            stage = await page.locator("[data-part=stage]").bounding_box()
            assert stage and len(found) == people
            boxes = list(found.values())
            for index, (left, top, width, height) in enumerate(boxes):
                assert left >= stage["x"] - 1 and left + width <= stage["x"] + stage["width"] + 1
                assert top >= stage["y"] - 1 and top + height <= stage["y"] + stage["height"] + 1
                assert min(width, height) >= 44
                for x, y, w, h in boxes[index + 1 :]:
                    assert left + width <= x + 1 or x + w <= left + 1 or top + height <= y + 1 or y + h <= top + 1
            for tile in await page.locator(".tile").all():
                await expect(tile.locator(".tile__role")).to_be_visible()


async def test_a_change_of_speaker_moves_two_tiles_and_asks_for_their_size(pages):
    async with shown(pages, PHONE, viewer="patient", people=6) as page:
        before, asked = await places(page), await view(page)
        assert largest(before) == "anna"
        assert asked["anna camera"]["height"] > 3 * asked["ruth camera"]["height"] > 0
        await page.evaluate("client.tell('speakers', {order: ['maria', 'ruth', 'anna'], speaking: ['ruth']})")
        after, asked = await places(page), await view(page)
        assert largest(after) == "ruth"
        assert {key for key in before if before[key] != after[key]} == {"anna", "ruth"}
        assert (before["anna"], before["ruth"]) == (after["ruth"], after["anna"])
        assert asked["ruth camera"]["height"] > 3 * asked["anna camera"]["height"] > 0
        await expect(page.locator("[data-participant=ruth]")).to_have_attribute("data-speaking", "true")


async def test_a_person_is_pinned_by_key_and_stays_large_whoever_speaks(pages):
    async with shown(pages, viewer="practitioner", people=4) as page:
        await expect(page.locator("[data-part=stage]")).to_have_attribute("data-layout", "grid")
        pin = page.get_by_role("button", name="Keep Cem Yıldız large")
        await pin.focus()
        await page.keyboard.press("Enter")
        await said(page, "Cem Yıldız stays large")
        await expect(pin).to_be_focused()
        await expect(pin).to_have_attribute("aria-pressed", "true")
        await page.evaluate("client.tell('speakers', {order: ['jonas'], speaking: ['jonas']})")
        assert largest(await places(page)) == "cem"
        asked = await view(page)
        assert [key for key, want in asked.items() if want["pinned"]] == ["cem camera"]
        await page.keyboard.press("Enter")
        await expect(page.locator("[data-part=stage]")).to_have_attribute("data-layout", "grid")


async def test_the_layout_is_a_choice_of_this_device(pages):
    async with shown(pages, PHONE, viewer="patient", people=4) as page:
        await expect(page.locator("[data-part=stage]")).to_have_attribute("data-layout", "speaker")
        await page.keyboard.press("g")
        await said(page, "Everyone has the same size now.")
        await expect(page.locator("[data-part=stage]")).to_have_attribute("data-layout", "grid")
        await page.reload()
        await expect(page.locator("[data-part=stage]")).to_have_attribute("data-layout", "grid")


async def test_a_shown_screen_is_the_large_tile_and_is_asked_for(pages):
    async with shown(pages, viewer="practitioner", people=4) as page:
        await page.evaluate("client.set_media('cem', {screen: true})")
        await said(page, "Cem Yıldız shows a screen.")
        assert largest(await places(page)) == "cem screen"
        asked = await view(page)
        assert asked["cem screen"]["height"] > asked["maria camera"]["height"] > 0
        await page.evaluate("client.set_media('cem', {screen: false})")
        await expect(page.locator(".tile--screen")).to_have_count(0)
        assert "cem screen" not in await view(page)


async def test_nothing_is_asked_for_while_the_page_is_not_seen(pages):
    async with shown(pages, viewer="patient", people=4) as page:
        assert all(want["height"] > 0 for want in (await view(page)).values())
        await page.evaluate(
            "Object.defineProperty(document, 'visibilityState', {value: 'hidden', configurable: true});"
            "document.dispatchEvent(new Event('visibilitychange'))"
        )
        assert [want["height"] for want in (await view(page)).values()] == [0, 0, 0]


async def test_who_comes_and_goes_is_told_and_shifts_no_control(pages):
    async with shown(pages, PHONE, viewer="patient", people=4) as page:
        before, controls = await places(page), await page.evaluate(CONTROLS)
        await page.evaluate(
            "client.set_people(['anna', 'cem', 'jonas', 'ruth', 'li']); client.show('ruth'); client.show('li')"
        )
        await said(page, "Ruth Okafor is in the visit. Role: Chaperone.")
        await said(page, "Li Wei is in the visit.")
        assert await page.evaluate(CONTROLS) == controls
        after = await places(page)
        assert largest(before) == largest(after) == "anna"
        in_order = sorted((key for key in after if key != "anna"), key=lambda key: (after[key][1], after[key][0]))
        assert in_order == ["cem", "jonas", "ruth", "li", "self"]
        await page.evaluate("client.set_people(['anna', 'cem', 'jonas'])")
        await said(page, "Li Wei has left the visit.")
        assert await places(page) == before


async def test_hands_are_numbered_listed_first_and_told(pages):
    async with shown(pages, viewer="patient", people=5) as page:
        await page.evaluate("client.set_media('jonas', {hand: true})")
        await said(page, "Jonas Schneider-Hohenstein has raised a hand.")
        await page.keyboard.press("h")
        await said(page, "Your hand is up.")
        await page.evaluate("client.set_media('anna', {hand: true})")
        await expect(page.locator("[data-participant=jonas] .tile__hand")).to_contain_text("Hand up, number 1")
        await expect(page.locator(".self .tile__hand")).to_contain_text("Hand up, number 2")
        await page.get_by_test_id("toggle-people").click()
        rows = page.locator(".roster__person")
        await expect(rows).to_have_count(5)
        for index, name in enumerate(["Jonas Schneider-Hohenstein", "Maria Schneider (you)", "Dr. Anna Weber"]):
            await expect(rows.nth(index)).to_contain_text(name)
        await expect(rows.nth(2)).to_contain_text("Practitioner")
        await page.keyboard.press("Escape")
        await expect(page.get_by_test_id("toggle-people")).to_be_focused()
        await page.keyboard.press("h")
        await expect(page.locator("[data-participant=anna] .tile__hand")).to_contain_text("Hand up, number 2")


async def test_an_interrupted_person_stays_in_the_visit_and_the_patient_can_be_phoned(pages):
    async with shown(pages, viewer="practitioner", people=4) as page:
        await page.evaluate("client.tell('heartbeat', {peer: 'cem', state: 'lost'})")
        await said(page, "The connection to Cem Yıldız is interrupted.")
        await expect(page.locator("[data-participant=cem]")).to_have_attribute("data-connection", "lost")
        await expect(page.locator("[data-participant=cem] .tile__frozen")).to_be_visible()
        await expect(page.locator("[data-part=loss]")).to_be_hidden()
        await page.evaluate("client.tell('heartbeat', {peer: 'maria', state: 'lost'})")
        await expect(page.locator("[data-part=loss]")).to_contain_text("+49 30 7654321")
        await expect(page.locator("[data-part=people]")).to_contain_text("Connection interrupted")
        await page.evaluate("for (const peer of ['cem', 'maria']) client.tell('heartbeat', {peer, state: 'alive'})")
        await said(page, "Cem Yıldız is connected again. Maria Schneider is connected again.")
        await expect(page.locator("[data-part=loss]")).to_be_hidden()


async def test_an_invitation_needs_role_and_name_and_shows_its_link_once(pages):
    async with shown(pages, viewer="practitioner", people=3) as page:
        await page.get_by_test_id("invite").click()
        await page.get_by_test_id("invite-create").click()
        await expect(page.get_by_text("Choose who it is.")).to_be_visible()
        assert await page.evaluate("client.requests") == []
        await page.get_by_label("Interpreter").check()
        await page.get_by_label("Name").fill("Amina Diallo")
        await page.get_by_label("E-mail or mobile number").fill("amina@example.org")
        await page.get_by_test_id("invite-create").click()
        await expect(page.get_by_test_id("invite-link")).to_have_value(
            "https://visits.example.org/join/#Zk3vQ0o2Yt7sLr9xWc5bNf8h"
        )
        assert await page.evaluate("client.requests") == [
            {
                "type": "invite",
                "payload": {
                    "role": "interpreter",
                    "name": "Amina Diallo",
                    "language": "en",
                    "contact": "amina@example.org",
                },
            }
        ]
        await page.get_by_role("button", name="Invite another person").click()
        await page.get_by_label("Colleague").check()
        await page.get_by_label("Name").fill("Refused")
        await page.get_by_test_id("invite-create").click()
        await expect(page.get_by_test_id("invite-error")).to_have_text("All seats in this visit are taken.")
        assert await page.get_by_test_id("invite-link").input_value() == ""


@pytest.mark.parametrize("code", ["server_must_be_blind", "sfu_full", "sfu_draining"])
async def test_a_refusal_is_a_calm_sentence_with_a_way_on(pages, code):
    async with shown(pages, PHONE, viewer="patient", people=3) as page:
        await page.evaluate(
            f"client.set_path({{state: 'none', route: ''}}); client.tell('refused', {{code: '{code}', message: 'x'}})"
        )
        banner = page.get_by_test_id("refusal")
        await expect(banner).to_contain_text("+49 30 1234567")
        assert code not in await banner.inner_text() and "call_refused" not in await banner.inner_text()
        await expect(page.get_by_test_id("privacy-badge")).to_have_text("Not connected")
        await page.evaluate("client.connect()")
        await expect(banner).to_be_hidden()


async def test_the_badge_on_the_server_promises_no_more_than_is_true(pages):
    async with shown(pages, PHONE, viewer="patient", people=3) as page:
        badge, opener = page.get_by_test_id("privacy-badge"), page.locator("[data-fact=privacy]")
        blind = "Through the clinic's server, end-to-end encrypted: the server cannot see or hear"
        await expect(badge).to_have_text(blind)
        await page.evaluate("client.set_encryption({state: 'recorder_key'})")
        await expect(badge).to_have_text("End-to-end encrypted, and the recorder has a key")
        await page.evaluate("client.set_encryption({state: 'to_server', mode: 'off', words: null})")
        await expect(badge).to_have_text("Encrypted to the clinic's server")
        await opener.click()
        await expect(page.get_by_test_id("safety-words")).to_be_hidden()
        await expect(page.get_by_test_id("privacy-dialog")).to_contain_text("would technically be able to see and hear")
        await page.keyboard.press("Escape")
        await page.goto(pages.url(viewer="patient", people=2))
        await expect(badge).to_have_text("Directly, end-to-end encrypted")
        await page.evaluate("client.set_encryption({state: 'e2e_relayed'})")
        await expect(badge).to_have_text("Relayed, end-to-end encrypted")
        await page.evaluate("client.set_encryption({state: 'pending'})")
        await expect(badge).to_have_text("Encryption is being checked")


async def test_words_are_compared_and_a_changed_key_and_an_attack_are_said(pages):
    async with shown(pages, PHONE, viewer="patient", people=3) as page:
        await page.locator("[data-fact=privacy]").click()
        words = page.get_by_test_id("safety-words").locator("li")
        await expect(words).to_have_text(WORDS)
        await page.evaluate("client.set_encryption({words: null})")
        await expect(page.get_by_test_id("privacy-dialog")).to_contain_text("The words come as soon as")
        await page.keyboard.press("Escape")
        await page.evaluate("client.tell('key-changed', {peer: 'anna'})")
        await expect(page.get_by_test_id("key-changed")).to_contain_text("Dr. Anna Weber's device has a new key")
        await expect(page.locator("#announce")).to_contain_text("has a new key")
        await page.locator("[data-action=note_key_change]").click()
        await expect(page.get_by_test_id("key-changed")).to_be_hidden()
        await page.evaluate("client.set_encryption({state: 'alarm', alarm: {from: 'anna', code: 'x'}})")
        await expect(page.get_by_test_id("privacy-badge")).to_have_text("Somebody may be listening")
        await expect(page.get_by_test_id("key-alarm")).to_be_visible()
        await expect(page.locator("#announce-now")).to_contain_text("leave the visit and use the phone")


@pytest.mark.parametrize(("viewer", "least_px"), [("patient", 44), ("practitioner", 24)])
async def test_every_state_passes_the_inspection(pages, viewer, least_px):
    side = Inspection(least_target_px=least_px)
    async with shown(pages, viewer=viewer, people=8) as page:
        await page.evaluate(TROUBLES)
        await side.look(page, "eight people, every trouble", thorough=True)
        await page.keyboard.press("g")
        await side.look(page, "eight people, one large")
        await page.evaluate("client.set_media('cem', {screen: true})")
        await side.look(page, "a screen is shown")
        if viewer == "patient":
            await page.evaluate("document.querySelector('[data-control=people]').click()")
            await side.look(page, "people")
        else:
            await page.get_by_test_id("invite").click()
            await page.get_by_test_id("invite-create").click()
            await side.look(page, "invite", reflow=False)
            await page.keyboard.press("Escape")
        await page.locator("[data-fact=privacy]").click()
        await side.look(page, "privacy", reflow=False)
        await page.keyboard.press("Escape")
        await page.evaluate("client.tell('key-changed', {peer: 'cem'})")
        await side.look(page, "another key", reflow=False)
        await page.evaluate("client.set_encryption({mode: 'latched'})")
        await side.look(page, "an old promise", reflow=False)
        await page.evaluate(
            "client.set_encryption({mode: 'required', state: 'alarm', alarm: {from: 'cem', code: 'x'}})"
        )
        await side.look(page, "an attack", reflow=False)
        await page.evaluate("client.set_encryption({state: 'e2e_server', alarm: null})")
        await page.locator("[data-action=note_key_change]").click()
        await page.evaluate("client.set_people(['cem', 'ruth'], {refusal: {code: 'server_must_be_blind', text: ''}})")
        await side.look(page, "refused")
    side.assert_nothing_found()


async def test_a_question_a_complaint_and_a_move_are_quiet_and_work_by_keyboard(pages: StagePages) -> None:
    side = Inspection(least_target_px=44)
    async with shown(pages, PHONE, viewer="patient", people=2) as page:
        asking = {"to": "sfu", "state": "asking", "reason": {"code": "x", "text": "The connection is poor."}}
        await page.get_by_test_id("toggle-mic").focus()
        await page.evaluate("(move) => client.set_people(['anna'], {move})", {**asking, "asks": ["maria", "anna"]})
        await expect(page.get_by_test_id("move-ask")).to_be_visible()
        # Nobody who is typing or talking is torn away.
        await expect(page.get_by_test_id("toggle-mic")).to_be_focused()
        await side.look(page, "asked before a move", thorough=True, reflow=False)
        await page.get_by_test_id("move-no").focus()
        await page.keyboard.press("Enter")
        await page.evaluate("(move) => client.set_people(['anna'], {move})", {**asking, "asks": ["anna"]})
        await expect(page.get_by_test_id("move-ask")).to_be_hidden()
        await expect(page.get_by_test_id("route-note")).to_contain_text("waiting for the other answer")

        await page.locator("[data-control=more]").click()
        await page.get_by_test_id("open-trouble").focus()
        await page.keyboard.press("Enter")
        await side.look(page, "says what is wrong", thorough=True, reflow=False)
        await page.keyboard.press("Escape")
        await expect(page.get_by_test_id("open-trouble")).to_be_focused()
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(page.get_by_test_id("trouble-ask")).to_be_hidden()
        await expect(page.get_by_test_id("route-note")).to_contain_text("looking for a better connection")

        await page.evaluate("client.remedy = 'audio_first'; client.tell('remedy', 'audio_first')")
        await expect(page.get_by_test_id("advice")).to_contain_text("so that the sound gets through")
        await page.evaluate("client.tell('moved', {engine: 'sfu'})")
        await expect(page.get_by_test_id("route-note")).to_contain_text("through the clinic's server")
        await page.evaluate("client.set_path({state: 'lost'})")
        await expect(page.get_by_test_id("rescue-step")).to_contain_text("a new way between your two devices")

        asked = [(one["type"], one["payload"]) for one in await page.evaluate("client.requests")]
        assert asked == [("move", {"answer": "no"}), ("trouble", {"kind": "no_sound"})]
        said = " ".join(await page.evaluate("window.said"))
        for words in ("A question for both of you", "looking for a better connection", "through the clinic's server"):
            assert words in said, said
    side.assert_nothing_found()


# How much of the handle of the own picture lies under the quiet word, and whether a press on it still gets there.
NOTE_OVER_HANDLE = """() => {
  const [note, handle] = ["[data-part=route_note]", ".self__move"].map((name) => document.querySelector(name).getBoundingClientRect());
  const across = Math.min(note.right, handle.right) - Math.max(note.left, handle.left);
  const down = Math.min(note.bottom, handle.bottom) - Math.max(note.top, handle.top);
  const stage = document.querySelector("[data-part=stage]").getBoundingClientRect();
  const top = document.elementFromPoint(handle.left + handle.width / 2, handle.top + handle.height / 2);
  return {covered: across > 0 && down > 0, pressed: top?.closest(".self__move") !== null, whole: note.height > 30 && note.bottom <= stage.bottom};
}"""


@pytest.mark.parametrize("size", [ZOOMED, PHONE, DESK], ids=["400 %", "phone", "desk"])
@pytest.mark.parametrize("language", ["en", "de"])
async def test_a_quiet_word_leaves_the_handle_of_the_own_picture_free(
    pages: StagePages, size: Any, language: str
) -> None:
    async with shown(pages, size, viewer="patient", people=2, lang=language) as page:
        for event, detail in (("moved", {"engine": "sfu"}), ("moved", {"engine": "p2p"})):
            for corner in ("bottom-end", "bottom-start", "top-start", "top-end"):
                await page.evaluate("(corner) => document.querySelector('.self').dataset.corner = corner", corner)
                await page.evaluate("([event, detail]) => client.tell(event, detail)", [event, detail])
                await places(page)
                found = await page.evaluate(NOTE_OVER_HANDLE)
                assert found == {"covered": False, "pressed": True, "whole": True}, (corner, detail)


async def test_a_quiet_word_over_a_tile_lets_it_be_pressed(pages: StagePages) -> None:
    async with shown(pages, ZOOMED, viewer="patient", people=4) as page:
        await page.evaluate("client.tell('moved', {engine: 'sfu'})")
        note = page.get_by_test_id("route-note")
        await expect(note).to_be_visible()
        box = await note.bounding_box()
        assert box
        await page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        await expect(page.locator("[data-participant=anna] .tile__pin")).to_have_attribute("aria-pressed", "true")


async def test_long_words_at_400_percent_take_the_handle_away_instead_of_covering_it(pages: StagePages) -> None:
    async with shown(pages, ZOOMED, viewer="patient", people=2) as page:
        await expect(page.locator(".self__move")).to_be_visible()
        await page.evaluate("client.tell('notice', {code: 'restart', in_ms: 300000})")
        await expect(page.locator(".self__move")).to_be_hidden()


@pytest.mark.parametrize("viewer", ["patient", "practitioner"])
async def test_a_restart_is_told_and_put_away_and_told_again(pages: StagePages, viewer: str) -> None:
    side = Inspection(least_target_px=44 if viewer == "patient" else 24)
    async with shown(pages, PHONE, viewer=viewer, people=2) as page:
        notice = page.get_by_test_id("restart-notice")
        await page.evaluate("client.tell('notice', {code: 'something later', in_ms: 300000})")
        await expect(notice).to_be_hidden()
        await page.evaluate("client.tell('notice', {code: 'restart', in_ms: 300000})")
        await expect(notice).to_contain_text("A short interruption in about 5 minutes")
        await expect(notice).to_contain_text("come back by themselves")
        await said(page, "A short interruption in about 5 minutes. Picture and sound")
        await side.look(page, "restart")
        await notice.get_by_role("button", name="Close").click()
        await expect(notice).to_be_hidden()
        await page.evaluate("client.tell('notice', {code: 'restart', in_ms: 60000})")
        await expect(notice).to_contain_text("in about a minute")
        # Whoever came to another server has it behind them; that the old one goes away is none of it.
        await page.evaluate("client.tell('signaling', {up: false})")
        await expect(notice).to_be_visible()
        await page.evaluate("client.tell('signaling', {up: true})")
        await expect(notice).to_be_hidden()
    side.assert_nothing_found()


async def test_a_long_promise_does_not_run_into_the_title(pages: StagePages) -> None:
    async with shown(pages, ZOOMED, viewer="patient", people=4, lang="de") as page:
        title, promise = [
            await page.locator(name).bounding_box() for name in (".call-view__heading", "[data-testid=privacy-badge]")
        ]
        assert title and promise
        assert promise["height"] > 2 * title["height"]  # it takes several lines
        assert promise["y"] >= title["y"] + title["height"] - 1
