"""End-to-end encryption in real browsers over the real media server: what the server sees, and who can open what."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from playwright.async_api import Page

from media_routing.api import TurnServer, ice_servers
from media_routing.sframe import FrameKey, derive_key
from tests.e2e.call_engine.evil_relay import EvilRelay
from tests.e2e.call_engine.group_server import GroupServer
from tests.e2e.call_engine.overheard import opened, recognises, relayed_frames
from tests.e2e.call_engine.relay import Relay
from tests.e2e.call_engine.tap import Tap, TappedFrame, shows_card, sounds_tone, tapped
from tests.e2e.call_engine.udp_way import UdpWay
from tests.e2e.firefox.browser import firefox
from tests.e2e.test_call_engine import Call, Turn, call, decodes_more, own_address, until, until_async
from tests.e2e.test_sfu_engine import Group, group

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

# Join and leave; withdrawal has its own second.
REKEY_WITHIN_S = 3.0


async def crypto_of(page: Page) -> dict[str, int]:
    return dict(await page.evaluate("engine.client.count_crypto()"))


async def words_of(page: Page) -> list[int] | None:
    return await page.evaluate("engine.client.encryption.words")


async def see_one_list_of_words(pages: list[Page], timeout_s: float = 8) -> list[int]:
    deadline = time.monotonic() + timeout_s
    while True:
        words = [await words_of(page) for page in pages]
        if words[0] and all(one == words[0] for one in words):
            return words[0]
        assert time.monotonic() < deadline, words
        await asyncio.sleep(0.1)


async def all_say(people: Group, state: str) -> None:
    for page in people.pages.values():
        await until(page, f"engine.client.encryption.state === '{state}'", 10)


async def test_two_people_are_encrypted_end_to_end_and_see_the_same_words():
    relay = Relay()
    async with call(relay) as both:
        await both.connected()
        for page in both.pages:
            await until(page, "engine.client.encryption.state === 'e2e_direct'", 8)
            await decodes_more(page, "0:audio", "1:video")
            counted = await crypto_of(page)
            assert counted["clear"] == 0
            assert min(counted["sealed"], counted["opened"]) > 20, counted
            assert (counted["stranger"], await page.evaluate("engine.client.encryption.alarm")) == (0, None)
        words = await see_one_list_of_words(list(both.pages))

        await both.patient.reload()
        await until(both.doctor, "engine.log.some(({type}) => type === 'key-changed')", 10)
        await both.connected()
        assert await see_one_list_of_words(list(both.pages)) != words, "other keys, other words"
        for page in both.pages:
            await until(page, "engine.client.encryption.state === 'e2e_direct'", 8)
            assert (await crypto_of(page))["clear"] == 0
        await bypass_is_noticed(both)
        # The signature of the connection's certificate came over the server, and was checked.
        assert any("fingerprint" in json.dumps(message) for message in relay.said)


# The page takes the first sender, of sound, for one that has its transform, and the browser has never heard of it.
LOSE_A_TRANSFORM = """{
  const real = Object.getOwnPropertyDescriptor(RTCRtpSender.prototype, "transform");
  let count = 0;
  Object.defineProperty(RTCRtpSender.prototype, "transform", {...real, set(value) { if (count++ > 0) real.set.call(this, value); }});
}"""


async def says_for(page: Page, state: str, seconds: float) -> None:
    """The badge says this and nothing else for so long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert await page.evaluate("engine.client.encryption.state") == state
        await asyncio.sleep(0.1)


async def bypass_is_noticed(both: Call) -> None:
    """Sound goes out past the worker, pictures through it. The control is the same page before that was so."""
    await both.patient.add_init_script(LOSE_A_TRANSFORM)
    await both.patient.reload()
    await both.connected()
    await until(both.doctor, "engine.client.encryption.state === 'e2e_direct'", 8)
    await until_async(
        both.patient, "engine.client.count_crypto().then((now) => [now.sealed > 20 && now.clear === 0, now])"
    )
    await until(both.patient, "engine.client.encryption.state === 'pending'", 5)
    await says_for(both.patient, "pending", 2)
    # What comes in clear is not played by who expects it sealed.
    await until_async(both.doctor, "engine.client.count_crypto().then((now) => [now.unopened > 20, now])")


async def test_a_server_that_sits_between_people_is_noticed():
    relay = EvilRelay(swap_keys=True)
    async with call(relay) as both:
        await both.connected()
        for page in both.pages:
            await until(page, "engine.client.encryption.words && engine.client.encryption.state === 'e2e_direct'", 10)
            await decodes_more(page, "0:audio", "1:video")
        assert len(relay.stolen) >= 2, "the attack works: it has everybody's key, and all else looks as it should"
        first, second = [await words_of(page) for page in both.pages]
        assert first != second, "the words tell"

        # The control: without false keys the same people see the same words, and nothing is said.
        relay.swap_keys = False
        for page in both.pages:
            await page.reload()
        await both.connected()
        await see_one_list_of_words(list(both.pages))
        for page in both.pages:
            await until(page, "engine.client.encryption.state === 'e2e_direct'", 8)
            assert await page.evaluate("engine.client.encryption.alarm") is None

        # Another certificate in the descriptions: an alarm by itself, and no chat and no media.
        relay.swap_certificates = True
        await both.patient.reload()
        await until(both.doctor, "engine.log.some(({type}) => type === 'key-changed')", 10)
        for page in both.pages:
            await until(page, "engine.client.encryption.state === 'alarm'", 10)
            assert (await page.evaluate("engine.client.encryption.alarm"))["code"] == "foreign_certificate"
        await both.doctor.evaluate("engine.client.send_chat('the lump on my left side')")
        await says_for(both.patient, "alarm", 1.5)
        assert await both.patient.evaluate("engine.client.messages") == []
        assert sum((await both.patient.evaluate("engine.received()")).values()) == 0


async def overheard(turn: Turn, *flags: str, **query: str) -> tuple[list[TappedFrame], list[FrameKey]]:
    """Frames of two people who meet through the relay, as heard in front of it, and every key that their pages ever had."""
    way = UdpWay((turn.address, turn.port))
    way.taken = []
    await way.open()
    servers = ice_servers([TurnServer(turn.address, turn.secret, way.port, None, None)], "anyone", now_s=time.time())
    async with call(Relay(relay_only=True, ice_servers=servers), *flags, media="card", **query) as both:
        for page in both.pages:
            await until_async(
                page, "engine.received().then((now) => [now['1:video'] > 20 && now['0:audio'] > 96000, now])", 20
            )
        if not flags:
            await both.connected()
            for page in both.pages:
                await until(page, "engine.client.encryption.state === 'e2e_relayed'", 8)
        frames = relayed_frames(way.taken)
        keys = [] if not flags else [key for page in both.pages for key in await keys_held_by(page, frames)]
    way.close()
    return frames, keys


async def test_a_relay_carries_what_it_cannot_read():
    """Of a call as it is, and of one whose browsers leave out DTLS, so that nothing but the frames' own encryption is left:
    with the keys the same capture shows the card and sounds the tone."""
    async with Turn(own_address()) as turn:
        frames, _ = await overheard(turn)
        blind = recognises(frames)
        bare, keys = await overheard(turn, "--disable-webrtc-encryption", channels="dead")
    without, control = recognises(bare), recognises(opened(bare, keys))
    print(f"cards and tone: as it is {blind}; without DTLS {without}; with the frames' keys {control}")
    assert min(len(frames), len(bare)) > 150, "this much was heard"
    for cards, tone in (blind, without):
        assert cards == 0
        assert tone < 0.4, "noise holds a little of every tone"
    assert control[0] > 10
    assert control[1] > 0.8
    assert len({frame.header for frame in bare}) == len(bare), "no nonce twice, from browser to browser"


async def test_a_server_that_lowers_the_requirement_is_not_obeyed():
    server = GroupServer(room_size=3)
    async with group(server) as people:
        for me in ("anna", "ben"):
            await people.join(me)
        await people.everyone_gets_everyone()
        server.frame_encryption = "off"
        await server.tell_all()
        for page in people.pages.values():
            await until(page, "engine.client.encryption.mode === 'latched'", 3)
        await people.everyone_gets_everyone()
        for page in people.pages.values():
            assert (await crypto_of(page))["clear"] == 0
        # The control: who loads the page after that goes without.
        await people.join("cleo")
        cleo = people.pages["cleo"]
        await until(cleo, "engine.client.encryption.mode === 'off'", 5)
        await asyncio.sleep(2)
        assert (await crypto_of(cleo))["clear"] > 20


async def test_the_server_sees_nothing_of_what_it_forwards():
    with tapped() as tap:
        async with group(GroupServer(room_size=3)) as people:
            for me in ("anna", "ben"):
                await people.join(me, media="card")
            await people.connected()
            await people.everyone_gets_everyone()
            await all_say(people, "e2e_server")
            await people.pages["anna"].evaluate("engine.client.send_chat('the lump on my left side')")
            await until(people.pages["ben"], "engine.client.messages.at(-1)?.text === 'the lump on my left side'", 5)
            assert {message["body"]["kind"] for message in people.server.said} == {"keys", "sealed"}
            assert "lump" not in json.dumps(people.server.said)
            await asyncio.sleep(3)
            counted = {me: await crypto_of(page) for me, page in people.pages.items()}
    assert all(one["clear"] == 0 and one["opened"] > 40 for one in counted.values()), counted
    blind = seen_by_server(tap)

    with tapped() as tap:
        async with group(GroupServer(room_size=3, frame_encryption="off")) as people:
            for me in ("anna", "ben"):
                await people.join(me, media="card")
            await people.connected()
            await people.everyone_gets_everyone()
            await all_say(people, "to_server")
            await asyncio.sleep(3)
    seeing = seen_by_server(tap)
    print(f"pictures of the card, share of the tone: encrypted {blind}, control {seeing}")
    assert blind[0] == 0
    assert blind[1] < 0.4, "noise holds a little of every tone"
    assert seeing[0] > 20
    assert seeing[1] > 0.8


def seen_by_server(tap: Tap) -> tuple[int, float]:
    frames = [frame for frame in tap.frames() if frame.sender == "anna"]
    video = [frame for frame in frames if frame.kind == "video"]
    assert len(video) > 20
    layer = video[-1].ssrc
    return (
        shows_card([frame for frame in video if frame.ssrc == layer]),
        sounds_tone([frame for frame in frames if frame.kind == "audio"]),
    )


async def keys_held_by(page: Page, frames: list[TappedFrame]) -> list[FrameKey]:
    """Every key that the page could have kept, under every id that is in use."""
    secrets = [bytes.fromhex(text) for text in await page.evaluate("engine.secrets")]
    ids = {frame.header[0] for frame in frames}
    return [derive_key(secret, key_id, AESGCM) for secret in secrets if len(secret) == 16 for key_id in ids]


async def test_who_left_opens_nothing_three_seconds_later():
    with tapped() as tap:
        async with group(GroupServer(room_size=3)) as people:
            for me in ("anna", "ben", "cleo"):
                await people.join(me, media="160x90")
            await people.connected()
            await people.everyone_gets_everyone()
            await asyncio.sleep(2)
            cleo = people.pages["cleo"]
            left_at_s = time.monotonic()
            await people.server.remove("cleo")
            await asyncio.sleep(6)
            frames = [frame for frame in tap.frames() if frame.sender != "cleo"]
            keys = await keys_held_by(cleo, frames)
            await people.leave("cleo")
            await people.everyone_gets_everyone()
    before = [frame for frame in frames if frame.at_s < left_at_s]
    opened_before = sum(frame.opens_with(keys) for frame in before[-40:])
    last_opened_s = max(frame.at_s for frame in frames if frame.opens_with(keys)) - left_at_s
    print(f"the leaver opens {opened_before} of the last 40 frames before, and until {last_opened_s:.2f} s after")
    assert opened_before == 40, "control: while there, they open everything"
    assert last_opened_s < REKEY_WITHIN_S
    assert any(frame.at_s > left_at_s + REKEY_WITHIN_S for frame in frames)


async def test_nonces_never_repeat_and_keys_change_in_good_time():
    """Three layers, sound, a reload, somebody who goes and comes back: 25 s of real packets."""
    with tapped() as tap:
        async with group(GroupServer(room_size=3)) as people:
            started_s = time.monotonic()
            anna = await people.join("anna", media="1280x720", fps="10")
            await people.join("ben", media="320x180")
            await people.connected()
            changes = []
            changes.append(("joins", time.monotonic()))
            cleo = await people.join("cleo", media="audio")
            await people.connected()
            await people.everyone_gets_everyone()
            changes.append(("reloads", time.monotonic()))
            await cleo.reload()
            await people.connected()
            await people.everyone_gets_everyone()
            changes.append(("leaves", time.monotonic()))
            await people.server.remove("cleo")
            await people.leave("cleo")
            await asyncio.sleep(4)
            changes.append(("comes back", time.monotonic()))
            await people.join("cleo", media="audio")
            await people.connected()
            await people.everyone_gets_everyone()
            await see_one_list_of_words(list(people.pages.values()))
            await asyncio.sleep(max(3.0, 25 - (time.monotonic() - started_s)))
            layers = await anna.evaluate("engine.layers()")
            counted = {me: await crypto_of(page) for me, page in people.pages.items()}
    frames = tap.frames()
    nonces = [frame.header for frame in frames]
    assert len(set(nonces)) == len(nonces) > 1000
    assert len({frame.ssrc for frame in frames if frame.sender == "anna" and frame.kind == "video"}) == 3, layers
    assert all(one["clear"] == 0 and one["stranger"] == 0 for one in counted.values()), counted
    took = {}
    for what, at_s in changes:
        in_use = {frame.header[0] for frame in frames if frame.sender == "anna" and frame.at_s < at_s}
        newer = [f.at_s for f in frames if f.sender == "anna" and f.at_s > at_s and f.header[0] not in in_use]
        # The browser and its page take a moment to start; what counts is from then on.
        took[what] = min(newer) - at_s
    print(f"{len(nonces)} frames; seconds until another key: { {what: round(s, 2) for what, s in took.items()} }")
    assert took["leaves"] < REKEY_WITHIN_S


async def test_a_newcomer_sees_a_picture_at_once_and_only_frames_that_open():
    async with group(GroupServer(room_size=3)) as people:
        for me in ("anna", "ben"):
            await people.join(me)
        await people.connected()
        await people.everyone_gets_everyone()
        await asyncio.sleep(3)
        for page in people.pages.values():
            await page.evaluate("for (const key in engine.gaps) engine.gaps[key] = 0")
        cleo = await people.join("cleo")
        started_s = time.monotonic()
        await until(cleo, "engine.played['anna video'] > 0 && engine.played['ben video'] > 0", 10)
        print(f"the newcomer sees both after {time.monotonic() - started_s:.2f} s")
        await asyncio.sleep(3)
        gaps_ms = [await page.evaluate("Math.max(...Object.values(engine.gaps))") for page in people.pages.values()]
        print(f"longest pause of a picture while the keys change: {[round(gap) for gap in gaps_ms]} ms")
        assert max(gaps_ms[:2]) < 1500
        await see_one_list_of_words(list(people.pages.values()))
        await all_say(people, "e2e_server")


async def test_firefox_and_chromium_open_each_others_frames():
    server = GroupServer(room_size=3, address=own_address())
    async with group(server) as people, firefox("fox") as fox:
        anna = await people.join("anna")
        await fox.goto(server.url("fox", media="640x360"))
        await fox.becomes("globalThis.engine?.client.path.state", "connected", within_s=20)
        await fox.becomes("engine.played['anna video'] > 5", True)
        await until(anna, "engine.played['fox video'] > 5")
        await fox.becomes("engine.client.encryption.state", "e2e_server")
        await until(anna, "engine.client.encryption.state === 'e2e_server'", 8)
        counted = await fox.evaluate("engine.client.count_crypto()")
        assert counted["clear"] == 0
        assert min(counted["sealed"], counted["opened"]) > 20
        await fox.becomes("engine.client.encryption.words?.join()", ",".join(map(str, await words_of(anna) or [])))
        # Another page of the same person: other keys, and the picture comes back.
        await fox.reload()
        await fox.becomes("globalThis.engine?.played['anna video'] > 5", True, within_s=20)
        shown = await anna.evaluate("engine.played['fox video']")
        await until(anna, f"engine.played['fox video'] > {shown} + 5", 20)
