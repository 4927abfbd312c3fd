"""Candidates as browsers write them, and the shapes that only look like one."""

import pytest

from media_routing.sdp import Candidate, SdpError, host_candidates, parse_candidate

HOST = "candidate:1467250027 1 udp 2122260223 192.0.2.7 46243 typ host generation 0 ufrag abcd network-cost 999"
READ = [
    (HOST, Candidate("1467250027", 1, "udp", 2122260223, "192.0.2.7", 46243, "host")),
    (
        "a=candidate:0 1 UDP 2122187007 2001:db8::1 35480 typ srflx raddr 0.0.0.0 rport 0",
        Candidate("0", 1, "udp", 2122187007, "2001:db8::1", 35480, "srflx", "0.0.0.0", 0),
    ),
    (
        "candidate:1 1 tcp 1518214911 192.0.2.3 9 typ host tcptype active",
        Candidate("1", 1, "tcp", 1518214911, "192.0.2.3", 9, "host", tcp_type="active"),
    ),
    (
        "candidate:1 1 udp 2113937151 0b3f0f4e-77a1-4a0c-9b5e-1f0c37c5e5ab.local 5353 typ host",
        Candidate("1", 1, "udp", 2113937151, "0b3f0f4e-77a1-4a0c-9b5e-1f0c37c5e5ab.local", 5353, "host"),
    ),
]


@pytest.mark.parametrize(("text", "candidate"), READ)
def test_it_reads_what_browsers_write(text: str, candidate: Candidate) -> None:
    assert parse_candidate(text) == candidate
    assert parse_candidate(candidate.build()) == candidate


REFUSED = [
    "",
    "candidate:",
    HOST[:-1] + "\n",
    HOST + " odd",
    HOST + " ufrag twice",
    HOST.replace("candidate:", "candidat:"),
    HOST.replace("1467250027", "x" * 33),
    HOST.replace("1467250027", "a-b"),
    HOST.replace(" 1 udp", " 0 udp"),
    HOST.replace(" 1 udp", " 257 udp"),
    HOST.replace("udp", "sctp"),
    HOST.replace("2122260223", "4294967296"),
    HOST.replace("2122260223", "-1"),
    HOST.replace("2122260223", "²"),
    HOST.replace("46243", "65536"),
    HOST.replace("192.0.2.7", "192.0.2.256"),
    HOST.replace("192.0.2.7", "192.0.2"),
    HOST.replace("192.0.2.7", "1"),
    HOST.replace("192.0.2.7", "fe80::1%eth0"),
    HOST.replace("192.0.2.7", "2001:db8::1::2"),
    HOST.replace("192.0.2.7", "-a.example"),
    HOST.replace("192.0.2.7", "a..example"),
    HOST.replace("typ host", "typ guest"),
    HOST.replace("typ host", "typ"),
    HOST + " raddr 192.0.2.9",
    HOST + " rport 9",
    HOST + " raddr example.org rport 9",
    HOST + " raddr 192.0.2.9 rport 70000",
    HOST + " tcptype active",
    HOST.replace("udp", "tcp"),
    HOST.replace("udp", "tcp") + " tcptype lazy",
    HOST + " x y" * 300,
]


@pytest.mark.parametrize("text", REFUSED, ids=range(len(REFUSED)))
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(SdpError, match="bad_candidate"):
        parse_candidate(text)


def test_our_candidates_are_ordered_and_distinct() -> None:
    first, second = host_candidates(["192.0.2.1", "2001:DB8::0:1"], 40000)
    assert first.build() == "candidate:1 1 udp 2130706431 192.0.2.1 40000 typ host"
    assert second.address == "2001:db8::1"
    assert first.priority > second.priority
    assert first.foundation != second.foundation
    with pytest.raises(ValueError, match="does not appear"):
        host_candidates(["media.example.org"], 40000)
