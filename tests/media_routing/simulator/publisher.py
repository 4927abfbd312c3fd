"""The sending half of an endpoint: a microphone, and a camera in layers under libwebrtc's rules, paced and repaired."""

from collections import OrderedDict
from collections.abc import Callable
from random import Random
from typing import NamedTuple

from media_routing.rtp import rtcp
from media_routing.rtp.rtcp import Packet, TransportFeedback
from media_routing.sfu.bwe import BandwidthEstimator, EstimatorConfig, SentHistory
from media_routing.sfu.pacer import Pacer
from media_routing.sfu.plan import ExtensionIds, PublishLine
from tests.media_routing.simulator import wire
from tests.media_routing.simulator.clock import Clock
from tests.media_routing.simulator.encoder import LAYERS, Camera, LayerEncoder, LayerRates, divide

AUDIO_S = 0.02
_DTX_S = 0.4
_AUDIO_BYTES = 80
_PAYLOAD_BYTES = 1100
_PADDING_BYTES = 224
_REPAIR_KEPT = 1000
_AUDIO_BPS = 40_000
_PACE_S = 0.005
_NTP_OFFSET_S = 3_900_000_000


class _Waiting(NamedTuple):
    """A packet that has its sequence number and waits for the pacer and its transport-wide number."""

    stream: "Stream"
    is_repair: bool
    marker: bool
    sequence: int
    timestamp: int
    payload: bytes


class Stream:
    """One media SSRC and its repair stream. Each sends mid and rid until a report shows that its own SSRC is known
    (libwebrtc's rtp_sender.cc)."""

    def __init__(self, random: Random, line: PublishLine, rid: str, clock_hz: int) -> None:
        self.line, self.rid, self.clock_hz = line, rid, clock_hz
        self.ssrc = line.ssrcs[0] if line.ssrcs else random.randrange(1, 1 << 32)
        self.rtx_ssrc = line.rtx_ssrcs[0] if line.rtx_ssrcs else random.randrange(1, 1 << 32)
        self.sequence = random.randrange(1 << 16)
        self.rtx_sequence = random.randrange(1 << 16)
        self.timestamp_base = random.randrange(1 << 32)
        self.known = self.repair_known = False
        self.packets = self.octets = self.repairs = 0
        self.sent: OrderedDict[int, _Waiting] = OrderedDict()

    def timestamp(self, now: float) -> int:
        return (self.timestamp_base + int(now * self.clock_hz)) & 0xFFFFFFFF


class Publisher:
    """`send` takes a packet to the uplink. `talks` decides the audio level; `camera_on` whether there are pictures;
    `dtx` whether silence is sent as one packet in 400 ms (RFC 6716 §2.1.9)."""

    def __init__(
        self,
        clock: Clock,
        random: Random,
        number: int,
        lines: tuple[PublishLine, ...],
        ids: ExtensionIds,
        send: Callable[[bytes], None],
        camera: Camera,
        layers: tuple[LayerRates, ...] = LAYERS,
    ) -> None:
        self.clock, self.number, self.ids = clock, number, ids
        self.talks = False
        self.dtx = True
        self.camera_on = True
        self.is_running = True
        self.layers = layers
        self.plis = 0
        self._spoke_at = float("-inf")
        self._random = random
        self._send = send
        by_source = {line.source: line for line in lines}
        self.audio = Stream(random, by_source["microphone"], "", 48_000)
        line = by_source["camera"]
        rids = line.rids or ("",)
        self.video = [Stream(random, line, rid, 90_000) for rid in rids]
        self.encoders = [LayerEncoder(random, camera) for _ in rids]
        self.active = [False] * len(rids)
        self.history = SentHistory()
        self.estimator = BandwidthEstimator(EstimatorConfig(start_bps=300_000))
        self.estimator.desire(sum(layer.max_bps for layer in layers) * 1.1 + _AUDIO_BPS)
        self._pacer: Pacer[_Waiting] = Pacer(300_000, clock.now)
        clock.every(AUDIO_S, self._speak, first_s=random.random() * AUDIO_S)
        clock.every(1 / camera.fps, self._capture, first_s=random.random() / camera.fps)
        clock.every(_PACE_S, self._pace, first_s=random.random() * _PACE_S)

    def streams(self) -> list[Stream]:
        return [self.audio, *self.video]

    def _speak(self) -> bool:
        level = self._random.randint(15, 30) if self.talks else self._random.randint(60, 90)
        stream, now = self.audio, self.clock.now
        if self.dtx and not self.talks and now - self._spoke_at < _DTX_S:
            return self.is_running
        self._spoke_at = now
        payload = bytes(_AUDIO_BYTES)
        stream.sequence += 1
        self._put(_Waiting(stream, False, False, stream.sequence, stream.timestamp(now), payload), level)
        return self.is_running

    def _capture(self) -> bool:
        now = self.clock.now
        if not self.camera_on:
            return self.is_running
        rates = divide((self.estimator.target_bps - _AUDIO_BPS) * 0.95, self.layers[: len(self.video)], self.active)
        for index, (stream, encoder, bps) in enumerate(zip(self.video, self.encoders, rates, strict=True)):
            if bps and not self.active[index]:
                encoder.want_key()
            self.active[index] = bps > 0
            if bps:
                self._packetise(index, stream, encoder, bps, now)
        return self.is_running

    def _packetise(self, layer: int, stream: Stream, encoder: LayerEncoder, bps: float, now: float) -> None:
        size, is_key = encoder.encode(bps)
        count = -(-size // _PAYLOAD_BYTES)
        timestamp = stream.timestamp(now)
        for index in range(count):
            payload = wire.video_payload(
                wire.Truth(self.number, layer, encoder.frame, index, count),
                is_key=is_key,
                picture_id=encoder.picture_id,
                tl0=encoder.tl0,
                key_index=encoder.key_index,
                size=-(-size // count),
            )
            stream.sequence += 1
            item = _Waiting(stream, False, index == count - 1, stream.sequence, timestamp, payload)
            stream.sent[stream.sequence & 0xFFFF] = item
            if len(stream.sent) > _REPAIR_KEPT:
                stream.sent.popitem(last=False)
            self._queue(item)

    def _queue(self, item: _Waiting) -> None:
        size = len(item.payload) + 24
        if self._pacer.take((size,), self.clock.now):
            self._put(item)
        else:
            self._pacer.push(item, size, self.clock.now, urgent=item.is_repair)

    def _pace(self) -> bool:
        now = self.clock.now
        self._pacer.set_target(self.estimator.target_bps)
        for item in self._pacer.release(now):
            self._put(item)
        if self.estimator.deadline() <= now and self.video[0].line.rtx_payload_type:
            due = self.estimator.padding_due(self.history, now)
            while due > 0:
                due -= self._pad(self.video[0])
        return self.is_running

    def _pad(self, stream: Stream) -> int:
        stream.rtx_sequence += 1
        return self._write(stream, True, False, stream.rtx_sequence, stream.timestamp(self.clock.now), b"", None, True)

    def _put(self, item: _Waiting, level: int | None = None) -> None:
        stream, payload, sequence = item.stream, item.payload, item.sequence
        if item.is_repair:
            stream.repairs += 1
            stream.rtx_sequence += 1
            payload = (sequence & 0xFFFF).to_bytes(2, "big") + payload
            sequence = stream.rtx_sequence
        else:
            stream.packets += 1
            stream.octets += len(payload)
        self._write(stream, item.is_repair, item.marker, sequence, item.timestamp, payload, level)

    def _write(
        self,
        stream: Stream,
        is_repair: bool,
        marker: bool,
        sequence: int,
        timestamp: int,
        payload: bytes,
        level: int | None,
        is_padding: bool = False,
    ) -> int:
        ids, line = self.ids, stream.line
        number = self.history.next_sequence & 0xFFFF
        elements = [(ids.transport_cc, number.to_bytes(2, "big"))]
        if level is not None:
            elements.append((ids.audio_level, bytes((level,))))
        if not (stream.repair_known if is_repair else stream.known):
            elements.append((ids.mid, line.mid.encode()))
            if stream.rid:
                elements.append((ids.repaired_rid if is_repair else ids.rid, stream.rid.encode()))
        data = wire.build(
            line.rtx_payload_type if is_repair else line.payload_type,
            marker,
            sequence,
            timestamp,
            stream.rtx_ssrc if is_repair else stream.ssrc,
            elements,
            payload,
            _PADDING_BYTES if is_padding else 0,
        )
        self.history.record(len(data), self.clock.now)
        self._send(data)
        return len(data)

    def on_rtcp(self, packet: Packet) -> None:
        now = self.clock.now
        if isinstance(packet, TransportFeedback):
            self.estimator.on_feedback(packet, self.history, now)
        elif isinstance(packet, rtcp.Nack):
            for stream in self.video:
                if stream.ssrc == packet.media_ssrc and stream.line.rtx_payload_type:
                    for sequence in packet.sequences:
                        if (item := stream.sent.get(sequence)) is not None:
                            self._queue(item._replace(is_repair=True))
        elif isinstance(packet, rtcp.PictureLoss | rtcp.FullIntra):
            wanted = (
                {packet.media_ssrc} if isinstance(packet, rtcp.PictureLoss) else {ssrc for ssrc, _ in packet.entries}
            )
            for stream, encoder in zip(self.video, self.encoders, strict=True):
                if stream.ssrc in wanted:
                    self.plis += 1
                    encoder.want_key()
        elif isinstance(packet, rtcp.ReceiverReport | rtcp.SenderReport):
            for block in packet.blocks:
                for stream in self.streams():
                    stream.known |= stream.ssrc == block.ssrc
                    stream.repair_known |= stream.rtx_ssrc == block.ssrc
                if block.last_sr:
                    middle = ntp(now) >> 16 & 0xFFFFFFFF
                    rtt = ((middle - block.last_sr - block.delay_since_last_sr) & 0xFFFFFFFF) / 65536
                    if rtt < 10:
                        self.estimator.on_rtt(rtt)

    def reports(self) -> list[rtcp.SenderReport]:
        now = self.clock.now
        return [
            rtcp.SenderReport(s.ssrc, ntp(now), s.timestamp(now), s.packets & 0xFFFFFFFF, s.octets & 0xFFFFFFFF)
            for s in self.streams()
            if s.packets
        ]


def ntp(now: float) -> int:
    """64 bits: seconds and fraction."""
    return int((now + _NTP_OFFSET_S) * (1 << 32)) & 0xFFFFFFFFFFFFFFFF
