"""Stock aiortc participants and a running service, for tests that go over real sockets."""

from __future__ import annotations

import asyncio
import secrets
import time
from contextlib import asynccontextmanager

from aiortc import (
    AudioStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
    VideoStreamTrack,
)

from media_routing.runtime.service import MediaService, MediaSettings


@asynccontextmanager
async def running_service(**settings):
    service = MediaService(MediaSettings(bind_address="127.0.0.1", **settings))
    await service.start()
    try:
        yield service
    finally:
        await service.close()


async def until(condition, timeout_s=8.0, what="it"):
    """Waits for a condition, never for seconds."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen in {timeout_s} s"
        await asyncio.sleep(0.01)


class Participant:
    """One aiortc peer connection: microphone and camera out, `others` audio and video lines in."""

    def __init__(self, service, room, name, room_size=3, *, connection=None, video=True):
        self.service, self.room, self.name, self.room_size = service, room, name, room_size
        self.connection = connection or secrets.token_hex(8)
        self.told = []
        self.frames = {"audio": 0, "video": 0}
        self._tasks = []
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self.pc.addTransceiver(AudioStreamTrack(), direction="sendonly")
        if video:
            self.pc.addTransceiver(VideoStreamTrack(), direction="sendonly")
        for kind in ["audio"] * (room_size - 1) + ["video"] * (room_size if video else 0):
            self.pc.addTransceiver(kind, direction="recvonly")

        @self.pc.on("track")
        def on_track(track):
            self._tasks.append(asyncio.ensure_future(self._count(track)))

        self.video = video

    async def _count(self, track):
        while True:
            await track.recv()
            self.frames[track.kind] += 1

    async def offer(self):
        """(sdp, sources)"""
        await self.pc.setLocalDescription(await self.pc.createOffer())
        mids = [transceiver.mid for transceiver in self.pc.getTransceivers()]
        sources = {mids[0]: "microphone"}
        if self.video:
            sources[mids[1]] = "camera"
        return self.pc.localDescription.sdp, sources

    async def join(self, change_sdp=lambda sdp: sdp, change_answer=lambda sdp: sdp):
        sdp, sources = await self.offer()
        self.answer = await self.service.join(
            self.room,
            self.name,
            self.connection,
            sdp=change_sdp(sdp),
            sources=sources,
            room_size=self.room_size,
            listener=self.told.append,
        )
        description = RTCSessionDescription(sdp=change_answer(self.answer.sdp), type="answer")
        await self.pc.setRemoteDescription(description)
        return self

    async def connected(self, timeout_s=8.0):
        await until(lambda: self.pc.connectionState == "connected", timeout_s, f"{self.name}'s connection")
        await until(lambda: self.link is not None and self.link.state.value == "connected", timeout_s, "the leg")
        return self

    @property
    def seat(self):
        running = self.service._rooms.get(self.room)
        return running.seats.get(self.name) if running else None

    @property
    def link(self):
        return self.seat.link if self.seat else None

    def messages(self, kind):
        return [message for message in self.told if message["type"] == kind]

    async def close(self):
        for task in self._tasks:
            task.cancel()
        await self.pc.close()
