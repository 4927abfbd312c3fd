"""The call engine for many in real Chromiums over a real MediaService: no Django, no pages, only static/js."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import pytest
from playwright.async_api import Browser, Page, async_playwright

from tests.e2e.call_engine.group_server import GroupServer
from tests.e2e.firefox.browser import firefox
from tests.e2e.test_call_engine import FLAGS, Turn, own_address, until, until_async

pytestmark = pytest.mark.e2e


@dataclass
class Group:
    server: GroupServer
    browser: Browser
    pages: dict[str, Page] = field(default_factory=dict)
    without_picture: set[str] = field(default_factory=set)

    async def join(self, me: str, **query: str) -> Page:
        context = await self.browser.new_context()
        page = self.pages[me] = await context.new_page()
        if query.get("media") == "audio":
            self.without_picture.add(me)
        await page.goto(self.server.url(me, **query))
        return page

    async def leave(self, me: str) -> None:
        await self.pages.pop(me).context.close()

    async def connected(self, timeout_s: float = 20) -> None:
        for page in self.pages.values():
            await until(page, "engine.client.path.state === 'connected'", timeout_s)

    async def everyone_gets_everyone(self, timeout_s: float = 30) -> None:
        """Every page decodes more pictures and more sound of every other one than it had when this was called."""
        before = {me: await page.evaluate("engine.received()") for me, page in self.pages.items()}
        deadline = time.monotonic() + timeout_s
        missing: list[str] = []
        while time.monotonic() < deadline:
            missing = []
            for me, page in self.pages.items():
                now = await page.evaluate("engine.received()")
                for peer in self.pages.keys() - {me}:
                    for slot in ("audio",) if peer in self.without_picture else ("audio", "video"):
                        key = f"{peer} {slot}"
                        start = before[me].get(key, 0)
                        # A new connection counts from zero.
                        if now.get(key, 0) < (start if now.get(key, 0) >= start else 0) + 5:
                            missing.append(f"{me} has no {key}")
            if not missing:
                return
            await asyncio.sleep(0.2)
        logs = {
            me: await page.evaluate("engine.log.filter(({type}) => !type.includes('quality')).slice(-15)")
            for me, page in self.pages.items()
        }
        raise AssertionError(f"{missing}: {json.dumps(logs)}")


@asynccontextmanager
async def group(server: GroupServer, *flags: str) -> AsyncIterator[Group]:
    """One browser process; everybody has a page of their own in it."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(server)
        playwright = await stack.enter_async_context(async_playwright())
        browser = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", headless=True, args=[*FLAGS, *flags]
        )
        stack.push_async_callback(browser.close)
        people = Group(server, browser)
        yield people
        for page in people.pages.values():
            assert await page.evaluate("engine.log.filter(({type}) => type === 'trouble')") == []


async def test_three_people_see_and_hear_each_other():
    async with group(GroupServer(room_size=3)) as people:
        for me in ("anna", "ben", "cleo"):
            await people.join(me)
        await people.connected()
        await people.everyone_gets_everyone()
        anna = people.pages["anna"]
        assert await anna.evaluate("engine.client.path.route") == "server"
        frames = await anna.evaluate("engine.client.count_frames()")
        assert min(frames[name] for name in ("send:audio", "send:video", "receive:audio", "receive:video")) > 5, frames


UFRAG = "engine.connection().localDescription.sdp.match(/ice-ufrag:(\\S+)/)[1]"


async def test_five_people_come_one_after_the_other_and_go():
    async with group(GroupServer(room_size=5)) as people:
        anna = await people.join("anna")
        await until(anna, "engine.client.path.state === 'connected'", 10)
        for me in ("ben", "cleo", "dora", "emil"):
            await people.join(me)
        await people.connected(30)
        await people.everyone_gets_everyone(40)
        made = await anna.evaluate("engine.connections.length")
        assert made == 1, "people who come must not cost the others their connection"
        offers = [len(sdp) for _, _, sdp in people.server.offers]
        assert max(offers) < 32 * 1024, offers

        await people.leave("emil")
        await people.server.remove("emil")
        for page in people.pages.values():
            await until(
                page,
                "engine.log.findLast(({type, detail}) => type === 'remote-track' && detail.peer === 'emil' && detail.slot === 'video')"
                ".detail.track === null",
                5,
            )
        await people.everyone_gets_everyone()
        # The place that became free is taken by another, and shows that one.
        await people.join("fritz")
        await people.everyone_gets_everyone(40)
        assert await anna.evaluate("engine.connections.length") == 1


async def test_one_camera_is_sent_in_three_layers_within_three_seconds():
    async with group(GroupServer(room_size=3)) as people:
        # fps as low as the machine of the test: what counts is that all three layers leave.
        anna = await people.join("anna", media="1280x720", fps="15")
        started = time.monotonic()
        await until(anna, "engine.connections.at(-1)?.connectionState === 'connected'", 10)
        connected_s = time.monotonic() - started
        while True:
            layers = await anna.evaluate("engine.layers()")
            if len(layers) == 3 and all(layer["frames"] > 3 for layer in layers.values()):
                break
            assert time.monotonic() - started < 10, layers
            await asyncio.sleep(0.05)
        took_s = time.monotonic() - started
        print(f"connected after {connected_s:.2f} s, three layers after {took_s:.2f} s: {layers}")
        assert {rid: layer["height"] for rid, layer in layers.items()} == {"l": 180, "m": 360, "h": 720}
        assert took_s < 3


async def test_a_small_camera_is_sent_in_fewer_layers_and_may_be_swapped_for_a_large_one():
    async with group(GroupServer(room_size=3)) as people:
        anna = await people.join("anna", media="640x360", fps="15")
        await until_layers(anna, {"l": 180, "m": 360})
        await anna.evaluate("engine.recapture('1280x720')")
        await until_layers(anna, {"l": 180, "m": 360, "h": 720})
        await anna.evaluate("engine.recapture('320x180')")
        await until_layers(anna, {"l": 180})


async def until_layers(page: Page, heights: dict[str, int], timeout_s: float = 10) -> None:
    """Waits until exactly these layers leave the page."""
    deadline = time.monotonic() + timeout_s
    while True:
        before = await page.evaluate("engine.layers()")
        await asyncio.sleep(1)
        now = await page.evaluate("engine.layers()")
        growing = {
            rid: layer["height"] for rid, layer in now.items() if layer["frames"] > before.get(rid, {}).get("frames", 0)
        }
        if growing == heights:
            return
        assert time.monotonic() < deadline, (growing, heights)


async def test_a_broken_way_is_mended_on_the_same_connection():
    async with group(GroupServer(room_size=3)) as people:
        for me in ("anna", "ben"):
            await people.join(me)
        await people.everyone_gets_everyone()
        anna = people.pages["anna"]
        ufrag = await anna.evaluate(UFRAG)
        people.server.ways["anna"].cut = True
        cut_ms = time.time() * 1000
        await until(anna, "engine.client.path.state === 'lost'", 6)
        await until(
            people.pages["ben"],
            "engine.log.some(({type, detail}) => type === 'heartbeat' && detail.peer === 'anna' && detail.state === 'lost')",
            6,
        )
        ben_log = await people.pages["ben"].evaluate("engine.log")
        told_ms = next(e["at_ms"] for e in ben_log if e["type"] == "heartbeat" and e["detail"]["state"] == "lost")
        print(f"ben was told after {told_ms - cut_ms:.0f} ms")
        assert told_ms - cut_ms <= 3000
        # Long enough for a restart that nobody answers; another address than before when it is over.
        await asyncio.sleep(4)
        people.server.ways["anna"].forget()
        people.server.ways["anna"].cut = False
        started = time.monotonic()
        await until(anna, "engine.client.path.state === 'connected'", 15)
        print(f"mended {time.monotonic() - started:.1f} s after the way was back")
        await people.everyone_gets_everyone()
        assert await anna.evaluate("engine.connections.length") == 1
        assert await anna.evaluate(UFRAG) != ufrag


async def test_a_new_address_is_followed_without_a_word():
    async with group(GroupServer(room_size=3)) as people:
        for me in ("anna", "ben"):
            await people.join(me)
        await people.everyone_gets_everyone()
        people.server.ways["anna"].forget()
        await asyncio.sleep(1)
        await people.everyone_gets_everyone()
        assert await people.pages["anna"].evaluate("engine.connections.length") == 1


async def test_the_server_goes_and_comes_back():
    async with group(GroupServer(room_size=3)) as people:
        for me in ("anna", "ben"):
            await people.join(me)
        await people.everyone_gets_everyone()
        await people.server.stop()
        for page in people.pages.values():
            await until(page, "engine.client.path.state === 'lost'", 6)
        started = time.monotonic()
        await people.server.start()
        await people.connected(20)
        await people.everyone_gets_everyone()
        print(f"back after {time.monotonic() - started:.1f} s")
        for me, page in people.pages.items():
            peer = "ben" if me == "anna" else "anna"
            shown = await page.evaluate(f"engine.played['{peer} video']")
            await until(page, f"engine.played['{peer} video'] > {shown} + 5")


async def test_people_talk_through_the_server_and_newcomers_get_what_was_said():
    async with group(GroupServer(room_size=3)) as people:
        anna = await people.join("anna")
        ben = await people.join("ben")
        await people.connected()
        await anna.evaluate("engine.client.send_chat('Welcome')")
        await until(ben, "engine.client.messages.at(-1)?.text === 'Welcome'", 3)
        assert await ben.evaluate("engine.client.messages.at(-1).from") == "anna"
        await ben.evaluate("engine.client.send_chat('Hello')")
        await ben.evaluate("engine.client.set_mic(false)")
        await until(anna, last_media("ben", "mic === false"), 3)

        cleo = await people.join("cleo", media="none")
        await until(cleo, "engine.client.messages.length === 2", 5)
        assert await cleo.evaluate("engine.client.messages.map(({from, text}) => [from, text])") == [
            ["anna", "Welcome"],
            ["ben", "Hello"],
        ]
        await until(cleo, last_media("ben", "mic === false"), 3)
        await until(anna, last_media("cleo", "sends.length === 0"), 5)
        await until(cleo, "engine.client.path.state === 'connected'", 15)

        # Who comes back gets also what they wrote themselves; who was cut off gets what was said meanwhile.
        await ben.reload()
        await until(ben, "engine.client.messages.length === 2", 10)
        people.server.seats["cleo"].transport.abort()
        await until(cleo, "engine.log.findLast(({type}) => type === 'signaling').detail.up === false", 5)
        await anna.evaluate("engine.client.send_chat('Cleo?')")
        await anna.evaluate("engine.client.raise_hand(true)")
        await until(cleo, "engine.client.messages.at(-1).text === 'Cleo?'", 10)
        await until(cleo, last_media("anna", "hand === true"), 3)


def last_media(peer: str, condition: str) -> str:
    return f"engine.log.findLast(({{type, detail}}) => type === 'peer-media' && detail.peer === '{peer}')?.detail.{condition}"


def only_picture(peer: str, height: int) -> str:
    return f"engine.client.set_view([{{participant: '{peer}', source: 'camera', height: {height}, pinned: false}}])"


async def test_what_is_shown_is_asked_for_and_only_that():
    async with group(GroupServer(room_size=3)) as people:
        anna = await people.join("anna")
        await people.join("ben")
        await people.connected()
        await people.everyone_gets_everyone()
        assert {"participant": "ben", "source": "camera", "height": 360, "pinned": False} in people.server.views["anna"]
        # A page that is laid out says many sizes; one message says the last of them.
        sent = "globalThis.sent = 0; const send = WebSocket.prototype.send; WebSocket.prototype.send = function (text) { sent += text.includes('sfu_view') ? 1 : 0; send.call(this, text); }"
        await anna.evaluate(f"() => {{ {sent} }}")
        await anna.evaluate(
            "() => { for (let height = 0; height <= 40; height++) engine.client.set_view([{participant: 'ben', source: 'camera', height, pinned: true}]); }"
        )
        await until(anna, "sent === 1", 3)
        await asyncio.sleep(0.3)
        assert await anna.evaluate("sent") == 1
        assert people.server.views["anna"] == [{"participant": "ben", "source": "camera", "height": 40, "pinned": True}]
        await anna.evaluate(only_picture("ben", 0))
        await asyncio.sleep(1)
        stopped = (await anna.evaluate("engine.received()"))["ben video"]
        await asyncio.sleep(1)
        assert (await anna.evaluate("engine.received()"))["ben video"] <= stopped + 1
        await anna.evaluate(only_picture("ben", 180))
        await people.everyone_gets_everyone()


async def test_a_screen_is_shared_and_taken_back_without_negotiation():
    async with group(GroupServer(room_size=3), "--auto-select-desktop-capture-source=Entire screen") as people:
        anna = await people.join("anna")
        ben = await people.join("ben")
        await people.everyone_gets_everyone()
        offers = len(people.server.offers)
        await anna.evaluate("engine.client.share_screen(true)")
        await until(ben, last_media("anna", "screen === true"), 5)
        await until(ben, "engine.played['anna screen'] > 0", 10)
        await anna.evaluate("engine.client.share_screen(false)")
        await until(ben, last_media("anna", "screen === false"), 5)
        await people.everyone_gets_everyone()
        assert len(people.server.offers) == offers


async def test_the_third_person_moves_two_to_the_server_without_a_gap_that_is_told():
    server = GroupServer(room_size=3, p2p=True)
    async with group(server) as people:
        anna = await people.join("anna")
        ben = await people.join("ben")
        await people.connected()
        await until(anna, "engine.played['ben video'] > 10", 10)
        assert await anna.evaluate("engine.client.path.route") == "direct"
        before = len(await anna.evaluate("engine.log"))
        for page in (anna, ben):
            await page.evaluate("for (const key in engine.gaps) engine.gaps[key] = 0")
        server.p2p = False
        cleo = await people.join("cleo")
        for page in (anna, ben, cleo):
            await until(page, "engine.client.path.route === 'server' && engine.client.path.state === 'connected'", 25)
        await people.everyone_gets_everyone()
        for page in (anna, ben):
            shown = await page.evaluate("engine.played")
            peer = "ben" if page is anna else "anna"
            await until(page, f"engine.played['{peer} video'] > {shown[f'{peer} video']} + 5")
        gaps_ms = [
            await anna.evaluate("Math.round(engine.gaps['ben video'])"),
            await ben.evaluate("Math.round(engine.gaps['anna video'])"),
        ]
        print(f"longest pause of a picture while two move to the server: {gaps_ms} ms")
        assert max(gaps_ms) < 2000
        told = [
            entry["detail"]["state"]
            for entry in (await anna.evaluate("engine.log"))[before:]
            if entry["type"] == "path"
        ]
        assert set(told) == {"connected"}, told

        # And back: two are left.
        await people.leave("cleo")
        server.p2p = True
        await server.remove("cleo")
        for page in (anna, ben):
            await until(page, "engine.client.path.route === 'direct' && engine.client.path.state === 'connected'", 25)
            shown = await page.evaluate("engine.played")
            peer = "ben" if page is anna else "anna"
            await until(page, f"engine.played['{peer} video'] > {shown[f'{peer} video']} + 5")
            # The way before stays until both have moved.
            await until(
                page,
                "engine.connections.filter(({connectionState}) => connectionState === 'connected').length === 1",
                8,
            )


async def test_firefox_takes_part():
    # Firefox takes no part in connections over the loopback interface.
    server = GroupServer(room_size=3, address=own_address())
    async with group(server) as people, firefox("fox") as fox:
        anna = await people.join("anna")
        await fox.goto(server.url("fox", media="640x360"))
        await fox.becomes("globalThis.engine?.client.path.state", "connected", within_s=20)
        await fox.becomes("engine.client.path.route", "server")
        for name in ("send:audio", "send:video", "receive:audio", "receive:video"):
            await fox.becomes(f"engine.client.count_frames().then((now) => now['{name}'] > 5)", True)
        await fox.becomes("engine.played['anna video'] > 5", True)
        await until(anna, "engine.played['fox video'] > 5")
        await until_async(anna, "engine.received().then((now) => [now['fox audio'] > 0, now])")
        sent = "engine.layers().then((all) => ['l', 'm', 'h'].map((rid) => all[rid].frames > 5))"
        await fox.becomes(sent, [True, True, False])
        # A picture that was away comes back with another time (Slot._next_timestamp): it is shown at once, and goes on.
        await fox.evaluate(only_picture("anna", 0))
        await asyncio.sleep(2)
        stopped = await fox.evaluate("engine.played['anna video']")
        await asyncio.sleep(1)
        assert await fox.evaluate("engine.played['anna video']") <= stopped + 1
        await fox.evaluate(only_picture("anna", 360))
        await fox.becomes(f"engine.played['anna video'] > {stopped} + 20", True, within_s=5)
        # The same page comes back: another connection, the same seat.
        await fox.reload()
        await fox.becomes("globalThis.engine?.played['anna video'] > 5", True, within_s=20)
        shown = await anna.evaluate("engine.played['fox video']")
        await until(anna, f"engine.played['fox video'] > {shown} + 5", 20)


async def test_the_server_is_reached_through_a_relay():
    address = own_address()
    async with Turn(address) as turn:
        server = GroupServer(room_size=2, address=address, relay_only=True, ice_servers=turn.ice_servers)
        async with group(server) as people:
            anna = await people.join("anna")
            await people.join("ben")
            await people.connected()
            await people.everyone_gets_everyone()
            path = await anna.evaluate("engine.client.path")
            assert (path["route"], path["local"]) == ("server", "relay")


async def test_two_keep_their_own_path_while_the_server_refuses_them():
    server = GroupServer(room_size=3, p2p=True)
    async with group(server) as people:
        anna = await people.join("anna")
        await people.join("ben")
        await people.connected()
        server.p2p, server.refuse = False, "sfu_full"
        await server.tell_all()
        for page in people.pages.values():
            await until(
                page, "engine.log.some(({type, detail}) => type === 'refused' && detail.code === 'sfu_full')", 5
            )
        await asyncio.sleep(3)
        shown = await anna.evaluate("engine.played['ben video']")
        await until(anna, f"engine.played['ben video'] > {shown} + 5")
        assert await anna.evaluate("[engine.client.path.state, engine.client.path.route]") == ["connected", "direct"]
        server.refuse = ""
        for page in people.pages.values():
            await until(page, "engine.client.path.state === 'connected' && engine.client.path.route === 'server'", 30)


async def test_a_path_that_is_lost_is_not_kept_for_one_that_is_not_there_yet():
    server = GroupServer(room_size=3, p2p=True)
    async with group(server) as people:
        anna = await people.join("anna")
        await people.join("ben")
        await people.connected()
        server.p2p, server.refuse = False, "sfu_full"
        await server.tell_all()
        await people.leave("ben")
        await until(anna, "engine.client.path.state !== 'connected'", 6)
        server.refuse = ""
        await until(anna, "engine.client.path.state === 'connected' && engine.client.path.route === 'server'", 30)


@pytest.mark.soak
@pytest.mark.timeout(300)
async def test_eight_people_meet_and_nobody_sends_more_than_three_did():
    """Each page sends the same, however many receive it. Three small pictures and eight voices: one machine has it all."""
    async with group(GroupServer(room_size=8)) as people:
        sent_bps = {}
        for number in range(1, 9):
            await people.join(f"person{number}", media="160x90" if number <= 3 else "audio", fps="5")
            if number in (3, 8):
                await people.connected(60)
                await people.everyone_gets_everyone(90)
                sent_bps[number] = await upload_bps(people.pages["person1"])
        print(f"person1 sends {sent_bps} bit/s")
        assert sent_bps[8] <= 1.1 * sent_bps[3]


async def upload_bps(page: Page, over_s: float = 10) -> float:
    sent = """engine.connection().getStats().then((stats) =>
      [...stats.values()].filter(({type}) => type === 'outbound-rtp').reduce((sum, {bytesSent}) => sum + bytesSent, 0))"""
    before, started = await page.evaluate(sent), time.monotonic()
    await asyncio.sleep(over_s)
    return round(8 * (await page.evaluate(sent) - before) / (time.monotonic() - started))


async def test_a_refusal_is_told_in_words_and_tried_again():
    server = GroupServer(room_size=3, refuse="sfu_full")
    async with group(server) as people:
        anna = await people.join("anna")
        await until(anna, "engine.log.some(({type, detail}) => type === 'refused' && detail.code === 'sfu_full')", 5)
        server.refuse = ""
        await until(anna, "engine.client.path.state === 'connected'", 20)
