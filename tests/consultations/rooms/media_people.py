"""Scripted people with picture and sound: aiortc behind a signaling socket. They count packets and decode nothing."""

import asyncio
import fractions
import secrets
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from aiortc import (
    AudioStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCSessionDescription,
    VideoStreamTrack,
)
from av import VideoFrame

from tests.consultations.rooms.people import Doctor, Patient, Socket


class SmallPicture(VideoStreamTrack):
    """Ten grey pictures a second: enough to arrive, cheap to encode."""

    async def recv(self) -> VideoFrame:
        await asyncio.sleep(0.1)
        frame = VideoFrame(width=160, height=96)
        for plane in frame.planes:
            plane.update(bytes([128]) * plane.buffer_size)
        frame.pts, frame.time_base = time.monotonic_ns() // 1000, fractions.Fraction(1, 1_000_000)
        return frame


class MediaPage:
    """One page's connection to the media server. `packets` counts what came, by the mid of the receiving line."""

    def __init__(self, room_size: int) -> None:
        self.room_size = room_size
        self.connection = secrets.token_hex(8)
        self.packets: Counter[str] = Counter()
        self.slots: dict[str, str] = {}
        configuration = RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        self.pc = RTCPeerConnection(configuration)
        self.pc.addTransceiver(AudioStreamTrack(), direction="sendonly")
        self.pc.addTransceiver(SmallPicture(), direction="sendonly")
        for kind in ["audio"] * (room_size - 1) + ["video"] * room_size:
            self.pc.addTransceiver(kind, direction="recvonly")

    async def offer(self) -> dict[str, Any]:
        """The fields of `sfu_offer`."""
        await self.pc.setLocalDescription(await self.pc.createOffer())
        lines = self.pc.getTransceivers()
        for line in lines[2:]:
            self._count(line.receiver, line.mid)
        sources = {lines[0].mid: "microphone", lines[1].mid: "camera"}
        return {"connection": self.connection, "sdp": self.pc.localDescription.sdp, "sources": sources}

    async def join(self, socket: Socket) -> dict[str, Any]:
        """Join through the socket; return the reply. Connects when it is ok."""
        reply = await socket.ask("sfu_offer", **await self.offer())
        if reply["ok"]:
            self.slots = {slot["mid"]: slot["kind"] for slot in reply["slots"]}
            await self.pc.setRemoteDescription(RTCSessionDescription(sdp=reply["sdp"], type="answer"))
            await until(lambda: self.pc.connectionState == "connected", what="the connection")
        return reply

    def heard(self, kind: str) -> int:
        """Packets of one kind so far."""
        return sum(count for mid, count in self.packets.items() if self.slots.get(mid) == kind)

    def lines(self, kind: str) -> int:
        """On how many lines of one kind something came so far."""
        return sum(self.slots.get(mid) == kind for mid in self.packets)

    async def cut(self) -> None:
        """Fall silent without a word, as when the network is gone: no DTLS alert, no BYE."""
        await self.pc.getTransceivers()[0].sender.transport.transport._connection.close()

    async def close(self) -> None:
        await self.pc.close()

    def _count(self, receiver: RTCRtpReceiver, mid: str) -> None:
        async def count(packet: object, arrival_time_ms: int) -> None:
            self.packets[mid] += 1

        receiver._handle_rtp_packet = count


async def until(condition: Callable[[], bool], *, within_s: float = 10, what: str = "it") -> float:
    """Wait for a condition; return the seconds it took."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < within_s, f"{what} did not happen within {within_s} s"
        await asyncio.sleep(0.02)
    return time.monotonic() - started


async def goes_on(page: MediaPage, kind: str = "audio") -> bool:
    """Whether more packets come."""
    before = page.heard(kind)
    try:
        await until(lambda: page.heard(kind) > before + 10, within_s=4)
    except AssertionError:
        return False
    return True


async def is_silent(page: MediaPage, for_s: float = 0.6) -> bool:
    """Whether nothing at all comes for a while, after what was on its way has arrived."""
    await asyncio.sleep(0.2)
    before = sum(page.packets.values())
    await asyncio.sleep(for_s)
    return sum(page.packets.values()) == before


async def let_in(doctor: Socket, role: str) -> str:
    """Admit the one person of that role who waits; return their id."""

    def waiting(state: dict[str, Any]) -> list[dict[str, Any]]:
        return [one for one in state["participants"] if one["role"] == role and one["state"] == "waiting"]

    state = await doctor.until_state(waiting)
    person = waiting(state)[0]["id"]
    reply = await doctor.ask("admit", participant=person, identity="known")
    assert reply["ok"], reply
    return person


class Guest(Patient):
    """Somebody invited besides the patient: asked for their name only."""

    def walk_to_waiting(self, **check: object) -> dict[str, Any]:
        from tests.consultations.rooms.people import CHECK

        assert self.state()["asks"] == ["name"]
        self.step("details", {"name": "Ina Iver"})
        self.step("device-check", {**CHECK, **check})
        return self.step("wait", {})


__all__ = ["Doctor", "Guest", "MediaPage", "Patient", "goes_on", "is_silent", "let_in", "until"]
