"""The call engine in two real Chromiums over a bare relay: no Django, no pages, only static/js and the protocol."""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright

from media_routing.api import TurnServer, ice_servers
from tests.e2e.call_engine.relay import Badness, Relay

pytestmark = pytest.mark.e2e

FLAGS = [
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--auto-select-desktop-capture-source=Entire screen",
    "--no-sandbox",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
BOTH_DIRECTIONS = ("send:audio", "send:video", "receive:audio", "receive:video")


@dataclass
class Call:
    relay: Relay
    doctor: Page
    patient: Page

    @property
    def pages(self) -> tuple[Page, Page]:
        return self.doctor, self.patient

    async def connected(self, timeout_s: float = 15) -> None:
        for page in self.pages:
            await until(page, "engine.client.path.state === 'connected'", timeout_s)


async def until(page: Page, condition: str, timeout_s: float = 10) -> None:
    """Waits for a condition; says what the page had logged when it does not come."""
    deadline = time.monotonic() + timeout_s
    while not await page.evaluate(f"Boolean(globalThis.engine && (({condition})))"):
        if time.monotonic() > deadline:
            log = await page.evaluate("globalThis.engine?.log.filter(({type}) => type !== 'quality')")
            raise AssertionError(f"{condition} did not come about in {timeout_s} s: {json.dumps(log)}")
        await asyncio.sleep(0.05)


async def until_async(page: Page, condition: str, timeout_s: float = 10) -> None:
    """As `until`, for a condition that is a promise."""
    deadline = time.monotonic() + timeout_s
    while not (value := await page.evaluate(condition))[0]:
        assert time.monotonic() < deadline, f"{condition} did not come about: {value}"
        await asyncio.sleep(0.1)


@asynccontextmanager
async def call(relay: Relay, *flags: str, **query: str) -> AsyncIterator[Call]:
    """Two browser processes, one page each, both calling."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(relay)
        playwright = await stack.enter_async_context(async_playwright())

        async def join(me: str) -> Page:
            browser = await playwright.chromium.launch(
                executable_path="/usr/bin/chromium", headless=True, args=[*FLAGS, *flags]
            )
            stack.push_async_callback(browser.close)
            page = await browser.new_page()
            await page.goto(relay.url(me, **query))
            return page

        pages = await asyncio.gather(join("doctor"), join("patient"))
        both = Call(relay, *pages)
        yield both
        for page in both.pages:
            if not page.is_closed():
                assert await page.evaluate("engine.log.filter(({type}) => type === 'trouble')") == []


async def decodes_more(page: Page, *streams: str) -> None:
    """Waits until each stream ("0:audio" by m-line) has grown since now: media flows, not only flowed."""
    before = await page.evaluate("engine.received()")
    grown = " && ".join(f"(now['{name}'] ?? 0) > {before.get(name) or 0} + 10" for name in streams)
    await until_async(page, f"engine.received().then((now) => [{grown}, now])")


async def log_of(page: Page, kind: str) -> list[dict[str, Any]]:
    return await page.evaluate("(kind) => engine.log.filter(({type}) => type === kind)", kind)


async def test_two_people_see_hear_write_and_show_each_other_things():
    async with call(Relay()) as both:
        await both.connected()
        for page in both.pages:
            await decodes_more(page, "0:audio", "1:video")
            frames = await page.evaluate("engine.client.count_frames()")
            assert all(frames[name] > 5 for name in BOTH_DIRECTIONS), frames
            assert (frames["send:screen"], frames["receive:screen"]) == (0, 0)
            assert await page.evaluate("engine.client.path.route") == "direct"
            codec = await page.evaluate(
                "engine.connection().getStats().then((stats) => [...stats.values()]"
                ".filter(({type, mid}) => type === 'outbound-rtp' && mid === '1').map(({codecId}) => stats.get(codecId).mimeType))"
            )
            assert codec == ["video/VP8"]
        assert {(report["from"], report["state"]) for report in both.relay.reports} >= {
            ("doctor", "connected"),
            ("patient", "connected"),
        }

        await both.patient.evaluate("engine.client.set_mic(false)")
        await until(both.doctor, "engine.log.findLast(({type}) => type === 'peer-media').detail.mic === false", 2)
        await both.patient.evaluate("engine.client.set_camera(false)")
        await until(both.doctor, "engine.log.findLast(({type}) => type === 'peer-media').detail.camera === false", 2)

        await both.doctor.evaluate("engine.client.send_chat('Take one in the morning')")
        await until(both.patient, "engine.client.messages.at(-1)?.text === 'Take one in the morning'", 2)
        assert await both.patient.evaluate("engine.client.messages.at(-1).from") == "doctor"
        assert "morning" not in json.dumps(both.relay.relayed)

        signals = len(both.relay.relayed)
        await both.doctor.evaluate("engine.client.share_screen(true)")
        await until(both.patient, "engine.log.findLast(({type}) => type === 'peer-media').detail.screen === true", 5)
        await until_async(both.patient, "engine.received().then((now) => [now['2:video'] > 0, now])")
        await until_async(both.patient, "engine.client.count_frames().then((now) => [now['receive:screen'] > 0, now])")
        await until_async(both.doctor, "engine.client.count_frames().then((now) => [now['send:screen'] > 0, now])")
        await both.doctor.evaluate("engine.client.share_screen(false)")
        await until(both.patient, "engine.log.findLast(({type}) => type === 'peer-media').detail.screen === false", 5)

        # Another camera, in the call: the same slot, the picture goes on.
        other = await both.doctor.evaluate(
            "import('/js/call/devices.js').then(({list_devices}) => list_devices()).then(({videoinput}) => videoinput.at(-1).id)"
        )
        await both.doctor.evaluate("(id) => engine.client.switch_device('videoinput', id)", other)
        await decodes_more(both.patient, "1:video")
        assert len(both.relay.relayed) == signals, "sharing and switching need no negotiation"


async def test_it_connects_over_a_relay_that_loses_doubles_and_swaps_and_survives_a_reload():
    async with call(Relay(seed=7, badness=Badness(0.2, 0.2, 0.2))) as both:
        await both.connected(30)
        await both.doctor.evaluate("engine.client.send_chat('before the reload')")
        # Words wait for the proof of the other end's fingerprint, which is signaled and may have to come again.
        await until(both.patient, "engine.client.messages.length === 1", 10)
        await both.patient.reload()
        await until(both.patient, "engine.client.path.state === 'connected'", 30)
        await until(both.doctor, "engine.client.path.state === 'connected'", 5)
        for page in both.pages:
            await decodes_more(page, "0:audio", "1:video")
            frames = await page.evaluate("engine.client.count_frames()")
            assert all(frames[name] > 5 for name in BOTH_DIRECTIONS), frames
        assert await both.patient.evaluate("engine.client.messages.map(({text}) => text)") == ["before the reload"]
        assert (
            await both.doctor.evaluate(
                "engine.connections.filter(({connectionState}) => connectionState !== 'closed').length"
            )
            == 1
        )


async def an_offer_and_a_wish_held(relay: Relay) -> None:
    """Both sides want to negotiate; one offers, the other says that it would like to (a rollback loses transforms)."""

    def held() -> set[str]:
        bodies = [message.get("body", {}) for _, message in relay.held]
        return {body.get("type") or body.get("kind") for body in bodies} & {"offer", "restart"}

    while held() != {"offer", "restart"}:
        await asyncio.sleep(0.02)


async def test_both_restarting_at_once_and_a_lost_socket_leave_the_call_alone():
    async with call(Relay()) as both:
        await both.connected()
        pwd = "engine.connection().localDescription.sdp.match(/ice-ufrag:(\\S+)/)[1]"
        before = [await page.evaluate(pwd) for page in both.pages]
        glare = "engine.connection().restartIce()"
        # Nothing arrives before the other side has said its own.
        both.relay.holding = True
        await asyncio.gather(*(page.evaluate(glare) for page in both.pages))
        await asyncio.wait_for(an_offer_and_a_wish_held(both.relay), 5)
        await both.relay.release()
        for page, ufrag in zip(both.pages, before, strict=True):
            await until(page, f"{pwd} !== '{ufrag}'")
            await until(page, "engine.connection().signalingState === 'stable'")
        for page in both.pages:
            await decodes_more(page, "0:audio", "1:video")

        for seat_socket, _ in list(both.relay.seats.values()):
            await seat_socket.close(1012)
        for page in both.pages:
            await until(
                page,
                "engine.log.some(({type, detail}) => type === 'signaling' && !detail.up) && engine.log.findLast(({type}) => type === 'signaling').detail.up",
            )
            await decodes_more(page, "0:audio", "1:video")
            assert all(entry["detail"]["state"] != "lost" for entry in await log_of(page, "path"))


async def test_a_peer_that_falls_silent_is_known_within_three_seconds_and_comes_back():
    async with call(Relay()) as both:
        await both.connected()
        await until(both.doctor, "engine.log.some(({type}) => type === 'quality')")
        # The page stands still as on a phone that ran out of memory: no beat leaves it, the transport stays open.
        frozen = asyncio.ensure_future(
            both.patient.evaluate(
                "() => { const started = Date.now(); while (Date.now() < started + 5000); return started; }"
            )
        )
        await until(both.doctor, "engine.client.path.state === 'lost'", 6)
        [lost] = [entry for entry in await log_of(both.doctor, "heartbeat") if entry["detail"]["state"] == "lost"]
        assert lost["detail"]["silence_ms"] <= 3000
        assert lost["at_ms"] - await frozen <= 3000
        await until(both.doctor, "engine.client.path.state === 'connected'", 8)
        await until(both.patient, "engine.client.path.state === 'connected'", 8)
        await decodes_more(both.doctor, "0:audio", "1:video")

        closed_at_ms = time.time() * 1000
        await both.patient.close()
        await until(both.doctor, "engine.client.path.state === 'lost'", 6)
        [*_, lost] = await log_of(both.doctor, "heartbeat")
        assert lost["at_ms"] - closed_at_ms <= 3000


async def test_transforms_survive_garbage_collection_while_they_are_set_up():
    """A worker that does not hold its pipes loses about every third connection here."""
    async with call(Relay(), "--js-flags=--expose-gc") as both:
        await both.connected()
        for _ in range(5):
            await both.patient.reload()
            for _ in range(20):
                for worker in both.doctor.workers:
                    await worker.evaluate("gc()")
                await both.doctor.evaluate("gc()")
                await asyncio.sleep(0.01)
            await both.connected(5)
            for page in both.pages:
                carried = " && ".join(f"now['{name}'] > 0" for name in BOTH_DIRECTIONS)
                await until_async(page, f"engine.client.count_frames().then((now) => [{carried}, now])", 5)


async def test_a_person_without_camera_and_microphone_still_takes_part():
    relay = Relay()
    async with call(relay, media="none") as both:
        await both.connected()
        await both.doctor.evaluate("engine.client.send_chat('Can you read this?')")
        await until(both.patient, "engine.client.messages.length === 1", 3)
        assert await both.patient.evaluate("engine.log.findLast(({type}) => type === 'peer-media').detail.sends") == []


def own_address() -> str:
    """The address of the interface the default route uses; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("no network interface besides loopback; browsers gather no candidates there")
        return probe.getsockname()[0]


@dataclass
class Turn:
    """A real coturn on one address; it can be killed and brought back on the same port."""

    address: str
    secret: str = field(default_factory=secrets.token_urlsafe)
    port: int = 0
    process: asyncio.subprocess.Process | None = None

    @property
    def ice_servers(self) -> list[dict[str, object]]:
        server = TurnServer(self.address, self.secret, self.port, self.port, None)
        return ice_servers([server], "anyone", now_s=time.time())

    async def __aenter__(self) -> Turn:
        with socket.socket() as free:
            free.bind((self.address, 0))
            self.port = free.getsockname()[1]
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            "turnserver", "-n", "--use-auth-secret", f"--static-auth-secret={self.secret}", "--realm=test", "--no-cli",
            "--no-tls", "--no-dtls", f"--listening-ip={self.address}", f"--relay-ip={self.address}",
            f"--listening-port={self.port}", "--log-file=stdout", "--pidfile=/dev/null",
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        for _ in range(100):
            try:
                _, writer = await asyncio.open_connection(self.address, self.port)
                writer.close()
                return
            except OSError:
                await asyncio.sleep(0.05)
        raise AssertionError("coturn did not start")

    async def stop(self) -> None:
        if self.process:
            self.process.kill()
            await self.process.wait()
            self.process = None


def assert_addresses_hidden(signals: list[dict[str, Any]], address: str) -> None:
    transcript = json.dumps(signals)
    assert "typ relay" in transcript
    assert re.findall(r"typ (?!relay)\w+", transcript) == []
    assert "raddr" not in transcript
    for message in signals:
        if message.get("body", {}).get("kind") == "description":
            sdp = message["body"]["sdp"]
            assert set(re.findall(r"^c=IN IP4 (\S+)", sdp, re.M)) <= {"0.0.0.0"}
            assert address not in re.sub(r"a=candidate:.*", "", sdp)


async def test_hidden_addresses_stay_hidden_and_a_dead_relay_is_survived():
    address = own_address()
    async with Turn(address) as turn:
        relay = Relay(relay_only=True, ice_servers=turn.ice_servers, ttl_s=1)
        async with call(relay) as both:
            await both.connected(20)
            for page in both.pages:
                assert await page.evaluate("engine.client.path.route") == "relay"
                await decodes_more(page, "0:audio", "1:video")
            asked = relay.ice_requests
            await turn.stop()
            for page in both.pages:
                await until(page, "engine.client.path.state === 'lost'", 6)
            await turn.start()
            started = time.monotonic()
            await both.connected(20)
            assert time.monotonic() - started < 15
            for page in both.pages:
                await decodes_more(page, "0:audio", "1:video")
            assert relay.ice_requests >= asked + 2, "credentials were not renewed on both sides"
        assert_addresses_hidden(relay.relayed, address)


async def test_addresses_can_be_hidden_during_the_call():
    address = own_address()
    async with Turn(address) as turn:
        relay = Relay(ice_servers=turn.ice_servers)
        async with call(relay) as both:
            await both.connected()
            assert await both.patient.evaluate("engine.client.path.route") == "direct"
            seen = len(relay.relayed)
            relay.relay_only = True
            await relay.tell_all()
            for page in both.pages:
                await until(page, "engine.client.path.route === 'relay'", 10)
                await decodes_more(page, "0:audio", "1:video")
            assert_addresses_hidden(relay.relayed[seen:], address)


async def test_a_worker_may_load_late_and_a_final_close_ends_the_path_for_good():
    async with call(Relay(worker_delay_s=0.7)) as both:
        await both.connected()
        for page in both.pages:
            await decodes_more(page, "0:audio", "1:video")
        await both.relay.seats["doctor"][0].close(4410)
        await until(both.doctor, "engine.log.some(({type, detail}) => type === 'closed' && detail.code === 4410)", 3)
        assert await both.doctor.evaluate("engine.client.path.state") == "none"
        await until(both.patient, "engine.client.path.state === 'lost'", 5)
        assert "doctor" not in both.relay.seats


@pytest.mark.soak
@pytest.mark.timeout(3600)
async def test_every_call_connects_over_a_bad_relay():
    """REL-5 by the count: each call is a fresh connection after a reload. `SOAK_CALLS` sets how many."""
    calls = int(os.environ.get("SOAK_CALLS", "200"))
    took_s = []
    async with call(Relay(seed=20, badness=Badness(0.2, 0.2, 0.2))) as both:
        await both.connected(30)
        for _ in range(calls):
            await both.patient.reload()
            started = time.monotonic()
            await until(both.patient, "engine.client.path.state === 'connected'", 30)
            await until(both.doctor, "engine.client.path.state === 'connected'", 10)
            took_s.append(time.monotonic() - started)
        assert {await page.evaluate("engine.client.path.route") for page in both.pages} == {"direct"}
        largest = max(
            len(message["body"]["sdp"]) for message in both.relay.relayed if message.get("body", {}).get("sdp")
        )
    assert largest < 32 * 1024
    took_s.sort()
    print(
        f"calls={calls} p50={took_s[len(took_s) // 2]:.2f}s p95={took_s[int(len(took_s) * 0.95)]:.2f}s max={took_s[-1]:.2f}s sdp={largest}B"
    )
