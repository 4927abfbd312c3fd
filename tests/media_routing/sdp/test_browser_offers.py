"""Real browsers make the offer of a leg and take our answer: nothing of it is left over, nothing is refused."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from media_routing.sdp import SdpError, parse_offer, plan_leg
from tests.media_routing.sdp.browsers import Evaluate, chromium_leg, firefox_leg
from tests.media_routing.sdp.offers import SOURCES, answer, ssrcs

pytestmark = pytest.mark.e2e


@pytest.fixture
async def chromium() -> AsyncIterator[Evaluate]:
    async with chromium_leg() as evaluate:
        yield evaluate


@pytest.fixture
async def firefox() -> AsyncIterator[Evaluate]:
    async with firefox_leg() as evaluate:
        yield evaluate


async def accepted(evaluate: Evaluate, sdp: str, sources: dict[str, str] = SOURCES, version: int = 1) -> dict[str, Any]:
    offer = parse_offer(sdp)
    text = answer(offer, plan_leg(offer, sources, ssrcs()), version)
    seen: dict[str, Any] = await evaluate(f"leg.accept({json.dumps(text)})")
    assert seen["state"] == "stable"
    return seen


def wanted_directions(room_size: int) -> list[str]:
    return ["sendonly"] * 3 + ["recvonly"] * (2 * room_size - 1)


async def test_chromium_takes_the_answer(chromium: Evaluate) -> None:
    for size in (2, 8):
        seen = await accepted(chromium, await chromium(f"leg.offer({size}, {{filter: true}})"))
        assert seen["directions"] == wanted_directions(size)
        assert seen["rids"] == ["l", "m", "h"]
        assert seen["codecs"] == ["video/VP8", "video/rtx"]
        assert {uri.rsplit(":")[-1].rsplit("/")[-1] for uri in seen["extensions"]} >= {
            "mid",
            "rtp-stream-id",
            "repaired-rtp-stream-id",
            "draft-holmer-rmcat-transport-wide-cc-extensions-01",
        }
    # An ICE restart in the same document asks for the same leg and takes another answer.
    await accepted(chromium, await chromium("leg.restart()"), version=2)
    # Everything that Chromium has, of which we take VP8 and Opus.
    seen = await accepted(chromium, await chromium("leg.offer(2)"))
    assert seen["codecs"] == ["video/VP8", "video/rtx"]


async def test_firefox_takes_the_answer(firefox: Evaluate) -> None:
    for size in (2, 8):
        seen = await accepted(firefox, await firefox(f"leg.offer({size})"))
        assert seen["directions"] == wanted_directions(size)
        assert seen["rids"] == ["l", "m", "h"]
    await accepted(firefox, await firefox("leg.restart()"), version=2)


async def test_a_line_without_a_source_becomes_inactive(chromium: Evaluate, firefox: Evaluate) -> None:
    for evaluate in (chromium, firefox):
        seen = await accepted(evaluate, await evaluate("leg.offer(2, {filter: true})"), {"0": "microphone"})
        assert seen["directions"][:3] == ["sendonly", "inactive", "inactive"]


async def test_a_data_channel_is_refused_and_the_rest_goes_on(chromium: Evaluate, firefox: Evaluate) -> None:
    for evaluate in (chromium, firefox):
        seen = await accepted(evaluate, await evaluate("leg.offer(2, {filter: true, data: 'last'})"))
        assert seen["directions"] == wanted_directions(2)


async def test_a_data_channel_in_front_cannot_be_answered(chromium: Evaluate, firefox: Evaluate) -> None:
    for evaluate in (chromium, firefox):
        with pytest.raises(SdpError, match="bad_bundle"):
            parse_offer(await evaluate("leg.offer(2, {filter: true, data: 'first'})"))


async def test_chromium_refuses_an_answer_without_mux(chromium: Evaluate) -> None:
    """The control: the browser does look at what we answer."""
    offer = parse_offer(await chromium("leg.offer(2, {filter: true})"))
    text = answer(offer, plan_leg(offer, SOURCES, ssrcs()))
    with pytest.raises(Exception, match="setRemoteDescription"):
        await chromium(f"leg.accept({json.dumps(text.replace('a=rtcp-mux', 'a=x-mux'))})")
