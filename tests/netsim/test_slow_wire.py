"""A wire delays, loses what it says it lost, and carries packets one by one even when their sender hands them over in one."""

import socket
import struct
import time

import pytest

from tests.netsim.lab import WEB_HOST, Lab, SiteSpec
from tests.netsim.slow_wire import DOWN

pytestmark = pytest.mark.lab
UDP_SEGMENT = 103
TRAINS, PER_TRAIN = 50, 10


def rtp(number: int) -> bytes:
    return struct.pack("!BBHII", 0x80, 96, number, 1, 7) + bytes(88)


def test_a_wire_is_long_and_loses_what_it_says():
    with Lab(relay=False, a=SiteSpec(far=True)) as lab:
        site = lab.site("a")
        assert site.wire
        site.wire.set(delay_ms=50)
        with site.host.socket(socket.SOCK_DGRAM) as inside, lab.public.socket(socket.SOCK_DGRAM) as outside:
            outside.bind((WEB_HOST, 0))
            for one in (inside, outside):
                one.settimeout(1)
            started = time.monotonic()
            inside.sendto(b"there", outside.getsockname())
            _, peer = outside.recvfrom(100)
            outside.sendto(b"and back", peer)
            inside.recv(100)
            assert 0.1 <= time.monotonic() - started < 0.2
            site.wire.set(down_loss=0.2)
            arrived = set()
            for train in range(TRAINS):
                packets = b"".join(rtp(train * PER_TRAIN + number) for number in range(PER_TRAIN))
                outside.sendmsg([packets], [(socket.SOL_UDP, UDP_SEGMENT, struct.pack("H", 100))], 0, peer)
                inside.settimeout(0.2)
                try:
                    while True:
                        arrived.add(struct.unpack_from("!H", inside.recv(2000), 2)[0])
                except TimeoutError:
                    continue
        seen = [row for row in site.wire.close() if row.direction == DOWN]
    assert len(seen) == TRAINS * PER_TRAIN
    assert {row.sequence for row in seen if row.passed} == arrived
    assert 0.7 < len(arrived) / len(seen) < 0.9
    # One by one: a train is hardly ever lost as a whole, or kept as a whole.
    lost = [sum(not row.passed for row in seen[at : at + PER_TRAIN]) for at in range(0, len(seen), PER_TRAIN)]
    assert sum(0 < count < PER_TRAIN for count in lost) > TRAINS / 2
