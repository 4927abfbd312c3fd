"""PRIV-6: what the other side is sent in sessions that hide addresses, over the real server."""

import asyncio
import json
import re

import pytest

from tests.bench.signaling_load import SEATS, sit_down
from tests.e2e.server import AppServer
from tests.evidence import write_evidence
from tests.soak import scaled

SESSIONS = 100
AT_ONCE = 10
ROUNDS = 2  # the first negotiation and an ICE restart
SECRET = ["192.168.1.20", "203.0.113.5", "10.0.0.9", "2001:db8::5", "5f0a7a1e-3d4b.local", "61000", "54321"]
RELAY = "candidate:3 1 udp 41885439 198.51.100.7 50000 typ relay raddr 203.0.113.5 rport 61000 generation 0"
CANDIDATES = [
    "candidate:1 1 udp 2122260223 192.168.1.20 54321 typ host generation 0",
    "candidate:1 1 udp 2122260223 5f0a7a1e-3d4b.local 54321 typ host",
    "candidate:2 1 udp 1686052607 203.0.113.5 61000 typ srflx raddr 192.168.1.20 rport 54321",
    "candidate:4 1 tcp 1 2001:db8::5 9 typ host tcptype active",
    "candidate:5 1 udp 1 10.0.0.9 54321 typ prflx raddr 192.168.1.20 rport 54321",
    RELAY,
]
SDP = (
    "v=0\r\no=- 461 2 IN IP4 192.168.1.20\r\ns=-\r\nt=0 0\r\nm=audio 54321 UDP/TLS/RTP/SAVPF 111\r\n"
    "c=IN IP4 203.0.113.5\r\na=rtcp:54321 IN IP4 203.0.113.5\r\n"
    + "".join(f"a={candidate}\r\n" for candidate in CANDIDATES)
    + "a=mid:0\r\n"
)
HIDE = "from consultations.rooms.models import Participant; Participant.objects.filter(role='patient').update(relay_only=True)"


async def transcript(server: AppServer, pair: list[dict[str, str]]) -> str:
    """All that the patient's peer is sent while the patient's browser, which does not hide anything, negotiates twice."""
    patient, other = [await sit_down(server, seat) for seat in pair]
    bodies = [{"kind": "description", "type": "offer", "sdp": SDP}]
    bodies += [
        {"kind": "candidate", "candidate": {"candidate": text, "sdpMid": "0", "sdpMLineIndex": 0}}
        for text in CANDIDATES
    ]
    for seq, body in enumerate(bodies * ROUNDS, 1):
        signal = {"to": other.id, "stream": f"{patient.page}.{other.page}", "seq": seq, "body": body}
        await patient.socket.send(json.dumps({"type": "signal", **signal}))
    received = []
    while sum(json.loads(text)["type"] == "signal" for text in received) < len(bodies) * ROUNDS:
        received.append(str(await asyncio.wait_for(other.socket.recv(), 30)))
    await patient.socket.close()
    await other.socket.close()
    return "\n".join(received)


async def transcripts(server: AppServer, pairs: list[list[dict[str, str]]]) -> list[str]:
    limit = asyncio.Semaphore(AT_ONCE)

    async def one(pair: list[dict[str, str]]) -> str:
        async with limit:
            return await transcript(server, pair)

    return list(await asyncio.gather(*map(one, pairs)))


@pytest.mark.soak
async def test_hidden_sessions_tell_no_address_but_the_relays() -> None:
    sessions = scaled(SESSIONS)
    with AppServer() as server:
        pairs = json.loads(server.run(SEATS.replace("WAITING", "0").replace("PAIRS", str(sessions))))
        (control,) = await transcripts(server, pairs[:1])  # nobody hides yet
        assert all(address in control for address in SECRET)
        server.run(HIDE)
        texts = await transcripts(server, pairs)
    kinds = {kind for text in texts for kind in re.findall(r"typ (\w+)", text)}
    leaks = [address for text in texts for address in SECRET if address in text]
    assert kinds == {"relay"}
    assert leaks == []
    measured = {
        "sessions": sessions,
        "negotiations_each": ROUNDS,
        "candidate_kinds_seen": sorted(kinds),
        "relay_candidates_seen": sum(text.count("typ relay") for text in texts),
        "hidden_instead": sum(text.count('"hidden"') for text in texts),
        "leaked_addresses": len(leaks),
        "control_without_hiding": {kind: control.count(f"typ {kind}") for kind in ("host", "srflx", "prflx", "relay")},
    }
    write_evidence("hidden_addresses", "PRIV-6", measured)
