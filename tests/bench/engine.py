"""The engine: CPU per forwarded packet beside the floor of the same Python and beside stock aiortc; joins; delay.

Load comes from this process, the figures from the measured ones (`engine_target`). The three take turns of seconds, and
those that wait are stopped, so that a busy machine disturbs all alike; what counts is the median of the ratios. "Part" is
about 10,000 packets/s out, "saturated" as much as gets in without loss in the share of a core that the machine leaves: a
kind that loses packets is offered less in the next round. How much of a core was really used stands in each row's context.
"""

from __future__ import annotations

import asyncio
import re
import resource
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

from tests.bench.engine_load import PACKETS_PER_S, Load, Target
from tests.bench.rows import Row, median, percentile

FAN_OUTS = (2, 5, 20)
KINDS = ("floor", "ours", "stock", "relay")
PART_PACKETS_PER_S = 10_000
# Packets/s out that are offered first, to fill a core; so much less the next time when more than this share was lost.
FULL_PACKETS_PER_S = {"floor": 180_000, "ours": 70_000, "stock": 50_000, "relay": 25_000}
LOST, LESS = 0.03, 0.75
# Rounds in which one of the three lost packets do not count; after so many more, all do.
SPOILED_ROUNDS = 5
WARM_S, MEASURE_S, PART_ROUNDS, FULL_ROUNDS = 1.2, 1.5, 2, 3
JOINS = 24
BUSY = (
    "import tests.bench.engine_target as t, threading as h\nfor _ in range({}): h.Thread(target=t.render_pages).start()"
)


def measure() -> list[Row]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # a socket per participant, and for the target as well
    try:
        return [*_forwarding(), *_joining(), *_delays()]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@dataclass(frozen=True, slots=True)
class Window:
    """What one kind did for some seconds."""

    cost_us: float
    out_per_s: float
    share: float
    """Of a core."""
    lost: float
    """Of what was offered, on the way in."""
    rooms: int


def _forwarding() -> list[Row]:
    rows = []
    for fan_out in FAN_OUTS:
        loads = {kind: Load(Target(kind), fan_out) for kind in KINDS}
        try:
            part = max(1, round(PART_PACKETS_PER_S / (PACKETS_PER_S * fan_out)))
            rows += _rows(fan_out, "part", _take_turns(loads, dict.fromkeys(KINDS, part), PART_ROUNDS))
            full = {kind: round(per_s / (PACKETS_PER_S * fan_out)) for kind, per_s in FULL_PACKETS_PER_S.items()}
            rows += _rows(fan_out, "saturated", _take_turns(loads, full, FULL_ROUNDS))
        finally:
            for load in loads.values():
                load.target.process.send_signal(signal.SIGCONT)
                load.close()
                load.target.close()
    return rows


def _take_turns(loads: dict[str, Load], rooms: dict[str, int], rounds: int) -> dict[str, list[Window]]:
    windows: dict[str, list[Window]] = {kind: [] for kind in loads}
    for _ in range(rounds + SPOILED_ROUNDS):
        for kind, load in loads.items():
            load.target.process.send_signal(signal.SIGCONT)
            load.grow(rooms[kind])
            load.run(WARM_S)
            window = _window(load)
            windows[kind].append(window)
            if window.lost > LOST:
                load.active = max(1, int(load.active * LESS))
            load.target.process.send_signal(signal.SIGSTOP)
        if len(_unspoiled(windows)) == rounds:
            break
    taken = _unspoiled(windows) or list(zip(*windows.values(), strict=True))
    return dict(zip(windows, map(list, zip(*taken, strict=True)), strict=True))


def _unspoiled(windows: dict[str, list[Window]]) -> list[tuple[Window, ...]]:
    return [one for one in zip(*windows.values(), strict=True) if all(window.lost <= LOST for window in one)]


def _window(load: Load) -> Window:
    received, offered = load.received(), load.sent()
    before = load.target.ask(do="usage")
    load.run(MEASURE_S)
    after = load.target.ask(do="usage")
    cpu_s, out = after["cpu_s"] - before["cpu_s"], after["sent"] - before["sent"]
    wall_s = after["wall_s"] - before["wall_s"]
    arrived, offered = load.received() - received, load.sent() - offered
    # What the target says it sent must have come; what is under way or overran a receiver's buffer is little.
    if out < 100 or not 0.8 < arrived / out < 1.2:
        raise RuntimeError(f"{load.target.kind} sent {out} packets, {arrived} arrived")
    lost = 1 - (after["received"] - before["received"]) / offered
    return Window(cpu_s / out * 1e6, out / wall_s, cpu_s / wall_s, lost, load.active)


def _rows(fan_out: int, name: str, windows: dict[str, list[Window]]) -> list[Row]:
    rows = []
    for kind, taken in windows.items():
        cost_us, out = median([one.cost_us for one in taken]), median([one.out_per_s for one in taken])
        share, best_us = median([one.share for one in taken]), min(one.cost_us for one in taken)
        rooms, lost = median([one.rooms for one in taken]), median([one.lost for one in taken])
        context = (
            f"fan-out {fan_out}, {rooms:.0f} rooms, {out:.0f} packets/s out, {share:.0%} of a core, "
            f"{max(0, lost):.0%} lost, median of {len(taken)}, best {best_us:.2f}"
        )
        rows.append(Row(f"engine_{kind}_{fan_out}_{name}", cost_us, "us/packet", context))
        if name == "saturated":
            rows.append(Row(f"engine_{kind}_{fan_out}_per_core", 1e6 / cost_us, "packets/s", context))
    floor, ours, stock, relay = ([one.cost_us for one in windows[kind]] for kind in KINDS)
    over_floor = median([mine / least for mine, least in zip(ours, floor, strict=True)])
    over_ours = median([theirs / mine for theirs, mine in zip(stock, ours, strict=True)])
    relay_over_ours = median([theirs / mine for theirs, mine in zip(relay, ours, strict=True)])
    about = f"{name}, fan-out {fan_out}, median of the ratios of {len(ours)} rounds; the aim saturated at 5 is"
    rows.append(Row(f"engine_over_floor_{fan_out}_{name}", over_floor, "times", f"{about} 1.7 at most"))
    rows.append(Row(f"engine_stock_over_ours_{fan_out}_{name}", over_ours, "times", f"{about} 4 at least"))
    rows.append(Row(f"engine_relay_over_ours_{fan_out}_{name}", relay_over_ours, "times", f"{about} 4 at least"))
    return rows


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
