"""People who meet from browser to browser and then on the server, come, go and load anew: what their encryption does meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from unittest.mock import patch

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from playwright.async_api import Page

from media_routing.sframe import FrameKey, derive_key
from media_routing.sfu import subscriber
from tests.e2e.call_engine.group_server import GroupServer
from tests.e2e.call_engine.tap import Tap, TappedFrame, tapped
from tests.e2e.firefox.browser import Firefox, firefox
from tests.e2e.test_call_engine import own_address, until
from tests.e2e.test_sfu_engine import Group, group
from tests.media_routing.simulator.fixed_rate import fixed_estimator

# All that is shown here.
FITS_BPS = 4_000_000
# Join and leave; withdrawal has its own second.
REKEY_WITHIN_S = 3.0


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


async def keys_held_by(page: Page, frames: list[TappedFrame]) -> list[FrameKey]:
    """Every key that the page could have kept, under every id that is in use."""
    secrets = [bytes.fromhex(text) for text in await page.evaluate("engine.secrets")]
    ids = {frame.header[0] for frame in frames}
    return [derive_key(secret, key_id, AESGCM) for secret in secrets if len(secret) == 16 for key_id in ids]


@dataclass
class Coming:
    """Two meet from browser to browser; then more come, and everybody is on the server: people who come, go, and load anew."""

    people: Group
    fox: Firefox
    tap: Tap
    patience_s: float = 30
    left: list[tuple[float, list[FrameKey]]] = field(default_factory=list)
    """When somebody was removed, and every key that they can have kept."""

    async def two_meet(self) -> None:
        for me, media in (("anna", "960x540"), ("ben", "160x90")):
            await self.people.join(me, media=media, fps="6", spy="1")
        await self.people.connected()
        await all_say(self.people, "e2e_direct")
        await self.people.everyone_gets_everyone(self.patience_s)

    async def all_go_to_the_server(self) -> None:
        self.people.server.p2p = False
        await self.people.server.tell_all()
        for page in self.people.pages.values():
            await until(page, "engine.client.path.route === 'server' && engine.client.path.state === 'connected'", 20)
        await self.people.everyone_gets_everyone(self.patience_s)

    async def cleo_comes(self) -> float:
        """Seconds until she sees both; what they see of each other does not stand still meanwhile."""
        for page in self.people.pages.values():
            await page.evaluate("for (const key in engine.gaps) engine.gaps[key] = 0")
        cleo = await self.people.join("cleo", media="160x90", spy="1")
        started_s = time.monotonic()
        await until(cleo, "engine.played['anna video'] > 0 && engine.played['ben video'] > 0", self.patience_s)
        return time.monotonic() - started_s

    async def unopened(self, *names: str) -> list[int]:
        """Frames that came to each of these people and could not be opened, for want of a key."""
        counted = [await self.people.pages[name].evaluate("engine.client.count_crypto()") for name in names]
        return [one["unopened"] for one in counted]

    async def fox_comes(self) -> None:
        anna, url = self.people.pages["anna"], self.people.server.url("fox", media="320x180", spy="1")
        before = await anna.evaluate("engine.played['fox video'] ?? 0")
        await self.fox.goto(url)
        await self.fox.becomes("globalThis.engine?.client.path.state", "connected", within_s=20)
        await self.fox.becomes("engine.played['anna video'] > 5", True, within_s=self.patience_s)
        await until(anna, f"engine.played['fox video'] > {before} + 5", self.patience_s)
        await self.fox.becomes("engine.client.encryption.state", "e2e_server")

    async def cleo_goes(self) -> None:
        left_at_s = time.monotonic()
        await self.people.server.remove("cleo")
        await asyncio.sleep(REKEY_WITHIN_S + 2)
        frames = [frame for frame in self.tap.frames() if frame.sender != "cleo"]
        self.left.append((left_at_s, await keys_held_by(self.people.pages["cleo"], frames)))
        await self.people.leave("cleo")
        await self.people.everyone_gets_everyone(self.patience_s)

    async def ben_loads_anew(self) -> None:
        await self.people.pages["ben"].reload()
        await self.people.connected()
        await self.people.everyone_gets_everyone(self.patience_s)

    async def nothing_is_wrong(self) -> int:
        """How many frames were sealed so far by the pages that are open. Nothing in clear, nobody else's, nothing undecryptable."""
        await see_one_list_of_words(list(self.people.pages.values()))
        await all_say(self.people, "e2e_server")
        sealed = 0
        for evaluate in (self.fox.evaluate, *(page.evaluate for page in self.people.pages.values())):
            counted, shown = await evaluate("engine.client.count_crypto()"), await evaluate("engine.shown()")
            assert (counted["clear"], counted["stranger"]) == (0, 0), counted
            assert 0 < shown["decoded"] <= shown["passed"] <= counted["opened"], (shown, counted)
            nonces = await evaluate("engine.nonces()")
            assert nonces["repeated"] == 0
            assert nonces["sealed"] >= counted["sealed"] > 20
            sealed += nonces["sealed"]
        return sealed


@asynccontextmanager
async def coming(patience_s: float) -> AsyncIterator[Coming]:
    server = GroupServer(room_size=4, p2p=True, address=own_address())
    # A machine without a free core looks like a slow line, and a picture that is not sent says nothing of keys.
    with tapped() as tap, patch.object(subscriber, "BandwidthEstimator", partial(fixed_estimator, FITS_BPS)):
        async with group(server) as people, firefox("fox") as fox:
            yield Coming(people, fox, tap, patience_s)


async def come_and_go(seconds: float, patience_s: float = 30) -> dict[str, Any]:
    """What was measured in so many seconds of real packets. `patience_s`: for a picture that a busy machine holds back."""
    started_s = time.monotonic()
    newcomers_s, gaps_ms, closed, rounds = [], [], [], 0
    async with coming(patience_s) as visit:
        people = visit.people
        await visit.two_meet()
        direct = await people.pages["anna"].evaluate("engine.nonces()")
        await visit.all_go_to_the_server()
        while True:
            rounds, round_began_s = rounds + 1, time.monotonic()
            closed_before = await visit.unopened("anna", "ben")
            newcomers_s.append(await visit.cleo_comes())
            await people.everyone_gets_everyone(patience_s)
            closed_now = await visit.unopened("anna", "ben")
            closed += [now - before for now, before in zip(closed_now, closed_before, strict=True)]
            gaps_ms += [
                await people.pages[me].evaluate("(key) => engine.gaps[key]", f"{other} video")
                for me, other in (("anna", "ben"), ("ben", "anna"))
            ]
            await visit.fox_comes()
            await visit.ben_loads_anew()
            sealed = await visit.nothing_is_wrong()
            await visit.cleo_goes()
            round_s = time.monotonic() - round_began_s
            if time.monotonic() + round_s + 20 > started_s + seconds:
                break
        newcomers_s.append(await visit.cleo_comes())
        await visit.fox.reload()
        await visit.fox.becomes("globalThis.engine?.played['anna video'] > 5", True, within_s=patience_s)
        await asyncio.sleep(max(3, seconds - (time.monotonic() - started_s)))
        sealed += await visit.nothing_is_wrong()
        layers = {frame.ssrc for frame in visit.tap.frames() if frame.sender == "anna" and frame.kind == "video"}
        control = await people.pages["cleo"].evaluate("engine.nonces('repeat')")
    frames = visit.tap.frames()
    opened_s = []
    for left_at_s, keys in visit.left:
        others = [frame for frame in frames if frame.sender != "cleo"]
        before = [frame for frame in others if frame.at_s < left_at_s]
        assert all(frame.opens_with(keys) for frame in before[-40:]), "control: while there, they open everything"
        later = [frame for frame in others if left_at_s < frame.at_s < left_at_s + REKEY_WITHIN_S + 2]
        assert any(frame.at_s > left_at_s + REKEY_WITHIN_S for frame in later)
        opened_s.append(max([frame.at_s for frame in later if frame.opens_with(keys)], default=left_at_s) - left_at_s)
    headers = [frame.header for frame in frames]
    assert len(layers) >= 3, "anna's camera came in three layers"
    assert control["repeated"] == 1, "a nonce that comes twice is noticed"
    assert direct["sealed"] > 50, "the same keys and counters were used from browser to browser before"
    return {
        "seconds": round(time.monotonic() - started_s),
        "rounds": rounds,
        "captured_headers": len(headers),
        "captured_twice": len(headers) - len(set(headers)),
        "sealed_by_open_pages": sealed,
        "sealed_browser_to_browser_by_one": direct["sealed"],
        "key_ids": len({key_id for key_id, _ in headers}),
        "leaver_opens_for_s": [round(one, 2) for one in opened_s],
        "newcomer_sees_after_s": [round(one, 2) for one in newcomers_s],
        "frames_that_did_not_open_meanwhile": closed,
        "longest_pauses_of_a_picture_ms": [round(one) for one in gaps_ms],
    }
