"""aiortc as the offerer of a leg: bots and the load tests use it. It ignores mid and needs `a=ssrc` per slot."""

from collections.abc import AsyncIterator

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack
from aiortc.rtcconfiguration import RTCBundlePolicy
from aiortc.sdp import SessionDescription

from media_routing.sdp import parse_offer, plan_leg
from tests.media_routing.sdp.offers import SOURCES, answer, ssrcs

POLICIES = [RTCBundlePolicy.MAX_BUNDLE, RTCBundlePolicy.BALANCED]


@pytest.fixture(params=POLICIES, ids=lambda policy: policy.value)
async def peer(request: pytest.FixtureRequest) -> AsyncIterator[RTCPeerConnection]:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=request.param))
    yield connection
    await connection.close()


async def make_offer(peer: RTCPeerConnection, room_size: int) -> str:
    peer.addTransceiver(AudioStreamTrack(), direction="sendonly")
    peer.addTransceiver(VideoStreamTrack(), direction="sendonly")
    peer.addTransceiver("video", direction="sendonly")
    for kind, count in (("audio", room_size - 1), ("video", room_size)):
        for _ in range(count):
            peer.addTransceiver(kind, direction="recvonly")
    await peer.setLocalDescription(await peer.createOffer())
    return peer.localDescription.sdp


async def test_it_takes_the_answer(peer: RTCPeerConnection) -> None:
    offer = parse_offer(await make_offer(peer, 3))
    plan = plan_leg(offer, SOURCES, ssrcs())
    assert all(publish.ssrcs for publish in plan.publishes)
    await peer.setRemoteDescription(RTCSessionDescription(answer(offer, plan), "answer"))
    assert peer.signalingState == "stable"
    assert [transceiver.currentDirection for transceiver in peer.getTransceivers()] == ["sendonly"] * 3 + [
        "recvonly"
    ] * 5


async def test_it_reads_our_sources_from_the_answer(peer: RTCPeerConnection) -> None:
    offer = parse_offer(await make_offer(peer, 2))
    plan = plan_leg(offer, SOURCES, ssrcs())
    media = SessionDescription.parse(answer(offer, plan)).media
    known = {section.rtp.muxId: [source.ssrc for source in section.ssrc] for section in media if section.ssrc}
    assert known == {slot.mid: [ssrc for ssrc in (slot.ssrc, slot.rtx_ssrc) if ssrc] for slot in plan.slots}
