"""Pages, signaling and the media server of one visit, as a process of its own: what the test does costs it nothing.

    python -m tests.e2e.sfu_lab.group_process HOST ROOM_SIZE DIRECTORY [FIXED_BPS]

Prints the pages' address (`{me}` to be filled in) and runs until SIGTERM. Into DIRECTORY: `server.jsonl`, four times a
second and leg what the estimator believes and which layers are sent; `repairs.jsonl`, in the end, per retransmitted
packet the receiver, SSRC and number that it was sent under and the number of what it repairs. With FIXED_BPS nothing is
estimated: every leg is believed to take that much.
"""

from __future__ import annotations

import asyncio
import json
import signal
import struct
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from media_routing.rtp.packet import NORMALISED_SIZE, PADDING
from media_routing.runtime.outbox import Outbox
from media_routing.sfu import subscriber
from tests.e2e.call_engine.group_server import ROOM, GroupServer
from tests.media_routing.simulator.fixed_rate import fixed_estimator

SAMPLE_S = 0.25
_OWN_AND_ORIGINAL = struct.Struct("!H")


class Repairs:
    """Sees every packet before it is encrypted: which retransmission carries which original."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, int, int, int]] = []
        send = Outbox.send_rtp

        def tapped(outbox: Outbox, link: Any, offsets: Sequence[int], sizes: Sequence[int]) -> None:
            arena, leg = outbox.arena, link.leg
            for offset in offsets if leg is not None else ():
                sequence, _, ssrc = struct.unpack_from("!HII", arena, offset + 2)
                if ssrc not in leg.subscriber.by_ssrc and not arena[offset] & PADDING:
                    (original,) = _OWN_AND_ORIGINAL.unpack_from(arena, offset + NORMALISED_SIZE)
                    self.rows.append((link.participant, ssrc, sequence, original))
            send(outbox, link, offsets, sizes)

        Outbox.send_rtp = tapped  # type: ignore[method-assign]


def estimate_nothing(bps: int) -> None:
    subscriber.BandwidthEstimator = partial(fixed_estimator, bps)  # type: ignore[assignment,misc]


def look(server: GroupServer) -> list[dict[str, Any]]:
    """What the server does for each leg now."""
    assert server.media
    running = server.media._rooms.get(ROOM)
    rows = []
    for name, seat in (running.seats if running else {}).items():
        if seat.link is None or seat.link.leg is None:
            continue
        half = seat.link.leg.subscriber
        estimator = half.estimator
        pictures = {
            slot.source.key[0]: slot.encoding.index if slot.encoding is not None else -1
            for slot in half.slots
            if slot.is_video and slot.source is not None
        }
        rows.append(
            {
                "at_ms": time.time() * 1000,
                "me": name,
                "target_bps": estimator.target_bps,
                "acknowledged_bps": estimator.acknowledged_bps,
                "delay_bps": estimator._delay_bps,
                "loss_bps": min(estimator._loss_bps, 1e9),
                "rtt_s": half.rtt_s,
                "received": estimator.received,
                "lost": estimator.lost,
                "sent_bytes": seat.link.sent_bytes,
                "queued_bytes": half.pacer.queued_bytes,
                "layers": pictures,
                "sends_bps": [
                    layer.bps for one in seat.link.leg.publisher.sources if one.is_video for layer in one.layers
                ],
                "audio_bps": half._audio_bps(time.monotonic()),
                "ssrcs": {slot.source.key[0]: slot.ssrc for slot in half.slots if slot.is_video and slot.source},
            }
        )
    return rows


async def run(host: str, room_size: int, directory: Path) -> None:
    repairs = Repairs()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server = GroupServer(room_size=room_size, address=host, host=host, routers=False)
    async with server:
        print(server.url("{me}"), flush=True)
        with (directory / "server.jsonl").open("w", buffering=1) as log:
            while not stop.is_set():
                for row in look(server):
                    log.write(json.dumps(row) + "\n")
                try:
                    await asyncio.wait_for(stop.wait(), SAMPLE_S)
                except TimeoutError:
                    continue
    (directory / "repairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in repairs.rows))


def main(host: str, room_size: str, directory: str, fixed_bps: str = "0") -> None:
    if int(fixed_bps):
        estimate_nothing(int(fixed_bps))
    asyncio.run(run(host, int(room_size), Path(directory)))


if __name__ == "__main__":
    main(*sys.argv[1:])
