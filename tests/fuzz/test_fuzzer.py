"""The control: the fuzzer finds what is there, in another's parsers and in ours with a bug put in."""

import dataclasses
import struct
import time
from pathlib import Path

import aiortc.rtp
import aiortc.sdp
import pytest

from media_routing.rtp import extensions
from media_routing.rtp.rtcp import Goodbye, parse, transport
from media_routing.sfu.room import Room
from tests.fuzz.engine import SLOW_S, Target, check, fuzz, store, stored
from tests.fuzz.mutation import decode, mutate_bytes, mutate_text
from tests.fuzz.parsers import rtcp_seeds, sdp_seeds
from tests.fuzz.records import Record, pack, unpack
from tests.fuzz.targets import TARGETS


def errors(target: Target, runs: int) -> set[str]:
    return {finding.what.split(" ")[0] for finding in fuzz(target, seed=1, runs=runs).findings}


def test_it_finds_the_known_hole_in_another_rtcp_parser() -> None:
    """media-facts: a REMB that counts 255 raises struct.error, and the transport closes."""

    def run(data: bytes) -> None:
        for packet in aiortc.rtp.RtcpPacket.parse(data):
            if isinstance(packet, aiortc.rtp.RtcpPsfbPacket) and packet.fmt == 15:
                aiortc.rtp.unpack_remb_fci(packet.fci)

    target = Target("theirs", run, (ValueError,), lambda: rtcp_seeds()[:12], mutate_bytes, watched=(".venv",))
    assert "error" in errors(target, 3000)  # struct.error


def test_it_finds_the_known_holes_in_another_sdp_parser() -> None:
    def run(data: bytes) -> None:
        aiortc.sdp.SessionDescription.parse(decode(data))

    target = Target("theirs", run, (ValueError,), lambda: sdp_seeds()[:1], mutate_text, watched=(".venv",))
    assert (
        len(errors(target, 600) & {"AssertionError", "IndexError", "KeyError", "AttributeError", "StopIteration"}) >= 2
    )


def test_it_finds_a_bound_that_was_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run-length chunk that claims thousands of packets: only reached behind four right headers."""
    monkeypatch.setattr(transport, "MAX_STATUSES", 1 << 30)
    assert "AssertionError" in errors(TARGETS["rtcp"], TARGETS["rtcp"].runs)


def test_it_finds_an_element_that_is_longer_than_the_header(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(data: memoryview, profile: int, at: int, end: int):  # type: ignore[no-untyped-def]
        while at < end:
            if head := data[at]:
                yield head >> 4, at + 1, (head & 15) + 1
                at += (head & 15) + 1
            at += 1

    monkeypatch.setattr(extensions, "elements", careless)
    assert "AssertionError" in errors(TARGETS["rtp"], 1000)


def test_it_finds_a_packet_that_a_room_stumbles_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """End to end: a room that stumbles over a goodbye."""

    def careless(self: Room, leg, data, now):  # type: ignore[no-untyped-def]
        if any(isinstance(packet, Goodbye) for packet in parse(data)):
            raise KeyError

    monkeypatch.setattr(Room, "receive_rtcp", careless)
    room = dataclasses.replace(TARGETS["room"], allowed=(ValueError,))
    assert "KeyError" in errors(room, 8)


def planted(data: bytes) -> None:
    """A bug behind two conditions that chance alone does not meet together; the first one is a step towards it."""
    if len(data) > 3 and data[3] == 0xFF:
        data = data[4:]
        if data[:2] == b"\x7f\xff":
            raise struct.error("planted")
    until = time.process_time() + (2 * SLOW_S if data == b"slow" else 0)
    while time.process_time() < until:
        pass


PLANTED = Target("rtp", planted, (), lambda: [bytes(64)], mutate_bytes, watched=("tests/fuzz/test_fuzzer.py",))


def test_a_finding_is_made_small_and_kept(tmp_path: Path) -> None:
    [finding] = fuzz(PLANTED, seed=1, runs=20000).findings
    assert finding.what.startswith("error at test_fuzzer.py:")
    assert len(finding.data) == 6
    file = store(finding, tmp_path)
    assert stored(tmp_path) == [file]
    assert file.parent.name == "rtp"
    # Replayed, it fails as long as the bug is there.
    assert check(PLANTED, file.read_bytes()) == finding


def test_an_input_that_takes_for_ever_is_a_finding() -> None:
    found = check(PLANTED, b"slow")
    assert found is not None
    assert found.what == "slow"


def test_the_same_seed_does_the_same() -> None:
    first, second = (fuzz(TARGETS["candidate"], seed=5, runs=800) for _ in range(2))
    assert (first.lines, first.kept) == (second.lines, second.kept)
    assert first.kept > len(TARGETS["candidate"].seeds)


def test_records_survive_their_bytes() -> None:
    records = [Record(1, 2, b"abc"), Record(0, 0, b"")]
    assert unpack(pack(records)) == records
    assert unpack(b"\1\2\xff\xffab") == [Record(1, 2, b"ab")]
