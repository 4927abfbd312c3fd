"""SEC-11: minutes of nonsense through a real socket; nothing unhandled, nobody else's socket closed."""

import asyncio
import contextlib
import json
import random
import time
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tests.bench.signaling_load import SEATS, sit_down
from tests.e2e.server import AppServer
from tests.evidence import write_evidence
from tests.soak import scaled

SECONDS = 600
FUZZERS, WITNESSES = 4, 6
PER_S = 18  # just below the limit: who floods is cut, and what is cut tests nothing

KINDS = "hello ping signal ack path ice_servers leave admit admit_device remove finish".split()
FIELDS = "id to stream seq body report rev page v participant identity device reason outcome".split()
SDP = (
    "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
    "c=IN IP4 0.0.0.0\r\na=candidate:1 1 udp 1 192.0.2.1 5000 typ host\r\na=mid:0\r\na=rtpmap:111 opus/48000/2\r\n"
)
ATOMS = [None, True, False, -1, 0, 1, 2**63, 1.5, "", "1", "x" * 300, "\ud800", "\u0000", "e\u0301", [], {}, [[]]]


def nonsense(chance: random.Random, peer: dict[str, str], page: str, peer_page: str) -> str:
    """One frame: mostly well-formed messages with something wrong in them, for these get furthest."""
    kind = chance.choice(KINDS)
    good: dict[str, Any] = {
        "id": str(chance.randrange(99)),
        "to": peer["id"],
        "stream": f"{page}.{peer_page}" if kind == "signal" else f"{peer_page}.{page}",
        "seq": chance.randrange(1, 99),
        "body": _body(chance),
        "report": {"state": "connected", "route": "direct", "local": "host", "remote": "host", "rtt_ms": 1},
        "rev": 0,
        "participant": peer["id"],
        "identity": "known",
        "device": peer["id"],
        "reason": "other",
        "outcome": "done",
    }
    message: dict[str, Any] = {"type": kind, **good}
    for _ in range(chance.randrange(3)):
        message[chance.choice(FIELDS)] = chance.choice([*ATOMS, _body(chance), {"kind": chance.choice(ATOMS)}])
    if chance.random() < 0.2:
        message.pop(chance.choice(list(message)), None)
    return json.dumps(message)


def _body(chance: random.Random) -> dict[str, Any]:
    if chance.random() < 0.4:
        text = "candidate:1 1 udp 1 192.0.2.1 5000 typ host"
        return {"kind": "candidate", "candidate": {"candidate": _mutated(chance, text), "sdpMid": "0"}}
    return {"kind": "description", "type": chance.choice(["offer", "answer", "?"]), "sdp": _mutated(chance, SDP)}


def _mutated(chance: random.Random, text: str) -> str:
    for _ in range(chance.randrange(4)):
        at, length = chance.randrange(len(text)), chance.randrange(1, 12)
        new = "".join(chr(chance.choice([0, 10, 13, 32, 61, 0x7F, 0xD7FF, 0xFFFD])) for _ in range(chance.randrange(4)))
        text = text[:at] + new + text[at:][: chance.randrange(2)] * chance.randrange(400) + text[at + length :] or "x"
    return text


async def fuzz(
    server: AppServer, seats: list[dict[str, str]], seed: int, until_s: float, counts: dict[str, int]
) -> None:
    """Comes back whenever it was closed: leaving, and being refused for good, are answers too."""
    chance = random.Random(seed)
    me, peer = seats
    while time.monotonic() < until_s:
        one = await sit_down(server, me)
        reading = asyncio.create_task(_drain(one.socket))
        with contextlib.suppress(ConnectionClosed):
            while time.monotonic() < until_s:
                await one.socket.send(nonsense(chance, peer, one.page, peer["id"][:12]))
                counts["sent"] += 1
                await asyncio.sleep(1 / PER_S)
        counts["came_back"] += 1
        await one.socket.close()
        await reading


async def _drain(socket: ClientConnection) -> None:
    with contextlib.suppress(ConnectionClosed):
        async for _ in socket:
            pass


async def run_fuzz(seconds: int) -> dict[str, object]:
    with AppServer() as server:
        pairs = json.loads(server.run(SEATS.replace("WAITING", str(WITNESSES)).replace("PAIRS", str(FUZZERS))))
        witnesses = [await sit_down(server, seat[0]) for seat in pairs[:WITNESSES]]
        # The person to whom the nonsense is addressed is a witness, too.
        witnesses += [await sit_down(server, pair[1]) for pair in pairs[WITNESSES:]]
        listening = [asyncio.create_task(_drain(one.socket)) for one in witnesses]
        counts = {"sent": 0, "came_back": 0}
        until_s = time.monotonic() + seconds
        await asyncio.gather(
            *(fuzz(server, pair, seed, until_s, counts) for seed, pair in enumerate(pairs[WITNESSES:]))
        )
        closed = [one.socket.close_code for one in witnesses if one.socket.close_code is not None]
        log = server.log_text()
        for task, one in zip(listening, witnesses, strict=True):
            await one.socket.close()
            await task
    unhandled = log.count("Traceback (most recent call last)") + log.count("socket failed") + log.count("sweep failed")
    assert unhandled == 0
    assert closed == []
    assert counts["sent"] > seconds * FUZZERS
    return {"seconds": seconds, "fuzzers": FUZZERS, **counts, "unhandled": unhandled, "others_closed": len(closed)}


@pytest.mark.soak
async def test_ten_minutes_of_nonsense_disturb_nobody() -> None:
    write_evidence("signaling_fuzz", "SEC-11", await run_fuzz(scaled(SECONDS)))
