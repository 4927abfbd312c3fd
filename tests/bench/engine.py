"""The engine: CPU per forwarded packet beside the floor of the same Python and beside stock aiortc; joins; delay.

Load comes from this process, the figures from the measured one (`engine_target`), so they hold on a busy machine as
ratios of one run. "Part-loaded" is about 10,000 packets/s out; "saturated" as many rooms as the floor's cost suggests
for most of a core. `got` in a row's context says how much of a core was really used.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import time

from tests.bench.engine_load import PACKETS_PER_S, Load, Target
from tests.bench.rows import Row, percentile

FAN_OUTS = (2, 5, 20)
PART_PACKETS_PER_S = 10_000
# Rooms for most of a core, as microseconds per packet that are expected at least.
EXPECTED_US = {"floor": 5.0, "ours": 10.0, "stock": 9.0}
WARM_S, MEASURE_S = 4.0, 4.0
JOINS = 24
BUSY = (
    "import tests.bench.engine_target as t, threading as h\nfor _ in range({}): h.Thread(target=t.render_pages).start()"
)


def measure() -> list[Row]:
    return [*_forwarding(), *_joining(), *_delays()]


def _forwarding() -> list[Row]:
    rows, saturated = [], {}
    for fan_out in FAN_OUTS:
        for kind in ("floor", "ours", "stock"):
            target = Target(kind)
            load = Load(target, fan_out)
            part = max(1, round(PART_PACKETS_PER_S / (PACKETS_PER_S * fan_out)))
            full = round(0.9e6 / EXPECTED_US[kind] / (PACKETS_PER_S * fan_out))
            for name, rooms in (("part", part), ("saturated", max(part, full))):
                load.grow(rooms)
                load.run(WARM_S)
                cost_us, out_per_s, share = _window(load)
                context = f"fan-out {fan_out}, {rooms} rooms, {out_per_s:.0f} packets/s out, got {share:.0%} of a core"
                rows.append(Row(f"engine_{kind}_{fan_out}_{name}", cost_us, "us/packet", context))
                if name == "saturated":
                    saturated[kind, fan_out] = cost_us
                    rows.append(Row(f"engine_{kind}_{fan_out}_per_core", 1e6 / cost_us, "packets/s", context))
            load.close()
            target.close()
        floor, ours, stock = (saturated[kind, fan_out] for kind in ("floor", "ours", "stock"))
        rows.append(Row(f"engine_over_floor_{fan_out}", ours / floor, "times", "saturated; the aim at 5 is 1.7"))
        rows.append(Row(f"engine_stock_over_ours_{fan_out}", stock / ours, "times", "saturated; the aim at 5 is 4"))
    return rows


def _window(load: Load) -> tuple[float, float, float]:
    """(CPU in us per forwarded packet, packets/s out, share of a core)."""
    before = load.target.ask(do="usage")
    load.run(MEASURE_S)
    after = load.target.ask(do="usage")
    cpu_s, out = after["cpu_s"] - before["cpu_s"], after["sent"] - before["sent"]
    wall_s = after["wall_s"] - before["wall_s"]
    if out < 100:
        raise RuntimeError(f"{load.target.kind} forwards nothing")
    return cpu_s / out * 1e6, out / wall_s, cpu_s / wall_s


def _joining() -> list[Row]:
    """What a participant costs who comes with a real handshake, in rooms of three, before any media."""
    target = Target("ours")
    try:
        asyncio.run(_join_many(target, 3, "warm"))
        before = target.ask(do="usage")
        asyncio.run(_join_many(target, JOINS, "room"))
        after = target.ask(do="usage")
    finally:
        target.close()
    cpu_ms = (after["cpu_s"] - before["cpu_s"]) / JOINS * 1e3
    memory = (after["resident_bytes"] - before["resident_bytes"]) / JOINS / 1e6
    context = f"{JOINS} aiortc participants: SDP, checks, DTLS, SRTP, leg, hanging up"
    return [Row("engine_join_cpu", cpu_ms, "ms", context), Row("engine_join_memory", memory, "MB", context)]


async def _join_many(target: Target, count: int, name: str) -> None:
    import aioice.ice
    from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCSessionDescription

    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]
    people = []
    for number in range(count):
        person = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        for kind in ("audio", "audio", "video", "video", "video"):
            person.addTransceiver(kind, direction="recvonly")
        await person.setLocalDescription(await person.createOffer())
        answer = target.ask(
            do="join",
            room=f"{name} {number // 3}",
            name=f"person {number}",
            sdp=re.sub(r"a=fingerprint:sha-(384|512).*\r\n", "", person.localDescription.sdp),
            sources={},
            room_size=3,
        )["sdp"]
        await person.setRemoteDescription(RTCSessionDescription(sdp=answer, type="answer"))
        people.append(person)
    end = time.monotonic() + 60
    while any(person.connectionState != "connected" for person in people):
        if time.monotonic() > end:
            raise RuntimeError("participants did not connect")
        await asyncio.sleep(0.02)
    for person in people:
        await person.close()


def _delays() -> list[Row]:
    rows = []
    for name, elsewhere, here in (("idle", 0, 0), ("pages_elsewhere", 3, 0), ("pages_same_process", 0, 3)):
        target = Target("ours")
        load = Load(target, 2)
        busy = subprocess.Popen([sys.executable, "-c", BUSY.format(elsewhere)]) if elsewhere else None
        try:
            load.grow(1)
            load.run(2.0, 100, drain_s=0.0005, send_s=0.0005)
            if here:
                target.ask(do="busy", threads=here)
            for receiver in load.receivers:
                receiver.delays = []
            load.run(6.0, 100, drain_s=0.0005, send_s=0.0005)
        finally:
            if busy is not None:
                busy.kill()
                busy.wait()
            load.close()
            target.close()
        delays_ms = [1e3 * delay for receiver in load.receivers for delay in receiver.delays or ()]
        context = f"100 packets/s to 2 receivers, {elsewhere} page threads in another process, {here} in the same"
        rows += [
            Row(f"engine_delay_{name}_p{percent}", percentile(delays_ms, percent), "ms", context)
            for percent in (50, 99)
        ]
    return rows
