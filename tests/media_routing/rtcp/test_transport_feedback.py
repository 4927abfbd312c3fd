"""Transport-wide feedback: the draft's own examples, both kinds of chunk, and random arrivals there and back."""

import random

import pytest

from media_routing.rtp.rtcp import RtcpError, TransportFeedback, make_feedback, parse, reference_gap_us
from media_routing.rtp.rtcp.transport import MAX_STATUSES, _parse_chunks

HEAD = "00000001 00000002"  # sender, media


def packet(chunks_and_deltas: str, *, base: int, count: int, reference: str = "000005", number: str = "07") -> bytes:
    body = bytes.fromhex(HEAD + f"{base:04x}{count:04x}{reference}{number}" + chunks_and_deltas)
    body += bytes(-len(body) % 4)
    return bytes.fromhex("8fcd") + (len(body) // 4).to_bytes(2) + body


def symbols(chunks: str, count: int) -> list[int]:
    return list(_parse_chunks(memoryview(bytes.fromhex(chunks)), 0, count)[0])


def test_the_chunks_drawn_in_the_draft() -> None:
    """§3.1.3 and §3.1.4, bit by bit."""
    assert symbols("00dd", 221) == [0] * 221
    assert symbols("6018", 24) == [3] * 24
    assert symbols("9f1c", 14) == [0, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0]
    assert symbols("cd50", 7) == [0, 3, 1, 1, 1, 0, 0]
    # A last chunk may say more than was counted.
    assert symbols("9f1c", 3) == [0, 1, 1]


def test_it_reads_a_packet_written_by_hand() -> None:
    # A vector of two-bit symbols: small, lost, large, small, large (negative), then filling.
    assert symbols("d260", 5) == [1, 0, 2, 1, 2]
    data = packet("d260 04 4000 01 ffff", base=65534, count=5)
    [feedback] = parse(data)
    assert feedback == TransportFeedback(
        sender_ssrc=1,
        media_ssrc=2,
        base_sequence=65534,
        reference_time_64ms=5,
        feedback_count=7,
        times_us=(1000, None, 1000 + 0x4000 * 250, 1250 + 0x4000 * 250, 1000 + 0x4000 * 250),
    )
    assert [sequence for sequence, _ in feedback.arrivals] == [65534, 65535, 0, 1, 2]


def test_the_reference_time_has_a_sign() -> None:
    [feedback] = parse(packet("2001 00", base=1, count=1, reference="ffffff"))
    assert isinstance(feedback, TransportFeedback)
    assert feedback.reference_time_64ms == -1
    assert feedback.build() == packet("2001 00", base=1, count=1, reference="ffffff")


def test_runs_and_vectors_are_used_where_they_are_short() -> None:
    steady = TransportFeedback(1, 2, 0, 0, 0, tuple(n * 1000 for n in range(100)))
    assert len(steady.build()) == 20 + 2 + 100 + 2  # header, one run, one byte each, filling
    bursty = TransportFeedback(1, 2, 0, 0, 0, tuple(n * 1000 if n % 2 else None for n in range(28)))
    assert len(bursty.build()) == 20 + 2 * 2 + 14 + 2


REFUSED = {
    "no packets": packet("2001 00", base=1, count=0),
    "the reserved symbol": packet("6001 00", base=1, count=1),
    "fewer chunks than it says": packet("2001", base=1, count=40),
    "fewer deltas than it says": packet("3fff", base=1, count=200),
    "half a delta": packet("d800 01 00", base=1, count=2),
    "half a head": bytes.fromhex("8fcd0003 00000001 00000002 00010001"),
    "more packets than anybody tells of": packet("1fff" * 9, base=1, count=0xFFFF),
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED)
def test_lies_are_refused(data: bytes) -> None:
    with pytest.raises(RtcpError):
        parse(data)


def test_a_datagram_cannot_ask_for_more_than_its_share() -> None:
    """36 bytes that name 4096 packets are heard once, not forty times in one datagram."""
    greedy = packet("1000", base=1, count=MAX_STATUSES)
    assert len(parse(greedy)) == 1
    with pytest.raises(RtcpError):
        parse(greedy * 2)


@pytest.mark.parametrize(
    "times_us",
    [(), (9_000_000,), (0, -9_000_000)],
    ids=["empty", "too late", "too early"],
)
def test_what_cannot_be_said_is_an_error_of_ours(times_us: tuple[int | None, ...]) -> None:
    with pytest.raises(RtcpError):
        TransportFeedback(1, 2, 0, 0, 0, times_us).build()


def test_losses_before_the_first_arrival_are_told() -> None:
    [feedback] = make_feedback(1, 2, 0, [(12, 64_000)], first=10)
    assert feedback.arrivals == ((10, None), (11, None), (12, 0))
    assert feedback.reference_time_64ms == 1
    assert make_feedback(1, 2, 0, []) == []


def test_a_gap_longer_than_one_feedback_is_given_up() -> None:
    first, second = make_feedback(1, 2, 0, [(0, 0), (100_000, 1000)])
    assert [sequence for sequence, _ in first.arrivals] == [0]
    assert len(second.arrivals) == MAX_STATUSES
    assert second.arrivals[-1] == (100_000 & 0xFFFF, 1000)


@pytest.mark.parametrize("seed", range(40))
def test_random_arrivals_there_and_back(seed: int) -> None:
    """Every arrival is told once, within half a tick, whatever the order, the pauses and the wraps."""
    chance = random.Random(seed)
    time_us, sequence = 10**9 * chance.randrange(2000), chance.randrange(1 << 20)
    arrivals = []
    for _ in range(chance.randrange(1, 1500)):
        sequence += 1 if chance.random() < 0.9 else chance.randrange(1, 90)
        time_us += chance.choice([0, 90, 1000, 1000, 70_000, -3000, 9_000_000 if chance.random() < 0.02 else 5])
        arrivals.append((sequence, time_us))
    told: list[tuple[int, int]] = []
    next_sequence = arrivals[0][0] & 0xFFFF
    for count, feedback in enumerate(make_feedback(1, 2, 250, arrivals)):
        data = feedback.build()
        assert len(data) <= 1200
        [read] = parse(data)
        assert isinstance(read, TransportFeedback)
        assert read.build() == data
        assert read.feedback_count == (250 + count) & 0xFF
        for sequence, offset_us in read.arrivals:
            assert sequence == next_sequence
            next_sequence = (next_sequence + 1) & 0xFFFF
            if offset_us is not None:
                told.append((sequence, read.reference_time_64ms * 64_000 + offset_us))
    wrap_us = (1 << 24) * 64_000
    assert len(told) == len(arrivals)
    for (sequence, read_us), (wanted, wanted_us) in zip(told, arrivals, strict=True):
        assert sequence == wanted & 0xFFFF
        assert abs((read_us - wanted_us + wrap_us // 2) % wrap_us - wrap_us // 2) <= 125


def test_reference_times_compare_over_their_wrap() -> None:
    assert reference_gap_us(5, 7) == 128_000
    assert reference_gap_us(7, 5) == -128_000
    assert reference_gap_us(0x7FFFFF, -0x800000) == 64_000
