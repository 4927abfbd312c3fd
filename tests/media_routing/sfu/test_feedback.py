"""Transport-wide feedback says when each packet came, once."""

from media_routing.rtp import rtcp
from media_routing.sfu.feedback import ArrivalLog


def tell(log):
    """(sequence, absolute time in µs or None) of everything told."""
    told = []
    for packet in log.take(1, 2):
        (feedback,) = rtcp.parse(packet)
        base = feedback.reference_time_64ms * 64_000
        told += [(sequence, None if us is None else base + us) for sequence, us in feedback.arrivals]
    return told


def note(log, *arrivals):
    for sequence, now in arrivals:
        log.note(sequence, now)


def test_it_tells_arrivals_and_the_holes_between():
    log = ArrivalLog()
    note(log, (65534, 1.0), (0, 1.002), (65535, 1.003))
    assert tell(log) == [(65534, 1_000_000), (65535, 1_003_000), (0, 1_002_000)]
    note(log, (3, 1.01))
    assert tell(log) == [(1, None), (2, None), (3, 1_010_000)]
    assert tell(log) == []


def test_a_packet_that_comes_after_its_feedback_does_not_unsay_its_neighbours():
    log = ArrivalLog()
    note(log, (10, 1.0), (12, 1.0))
    tell(log)
    note(log, (11, 1.1), (13, 1.1))
    assert tell(log) == [(11, 1_100_000), (13, 1_100_000)]


def test_numbers_that_jump_about_are_bounded_work():
    log = ArrivalLog()
    for n in range(5000):
        log.note(n * 7919 & 0xFFFF, 1.0)
    told = tell(log)
    assert len(told) < 3000
    note(log, (100, 2.0))
    tell(log)


def test_feedback_is_numbered():
    log = ArrivalLog()
    counts = []
    for n in range(300):
        log.note(n, n / 20)
        counts += [packet.feedback_count for raw in log.take(1, 2) for packet in rtcp.parse(raw)]
    assert counts == [n & 0xFF for n in range(300)]
