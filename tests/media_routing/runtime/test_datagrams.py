"""Both ways of moving datagrams do the same thing; the fast one must be the one in use on this machine."""

import socket
import sys
import time

import pytest

from media_routing.runtime import datagrams, datagrams_mmsg, datagrams_portable
from media_routing.runtime.arena import Arena

SO_NO_CHECK = 11
WAYS = [datagrams_mmsg, datagrams_portable]
FAMILIES = [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]


class Peer:
    def __init__(self, io, address):
        self.name, self._memory = io.make_name(address)
        self.queue: list[int] = []


@pytest.fixture(params=FAMILIES, ids=["ipv4", "ipv6"])
def pair(request):
    """Two bound sockets that know each other, of one family."""
    family, host = request.param
    with socket.socket(family, socket.SOCK_DGRAM) as one, socket.socket(family, socket.SOCK_DGRAM) as other:
        one.bind((host, 0))
        other.bind((host, 0))
        one.setblocking(False)
        other.settimeout(1)
        yield one, other


def queue_packets(sender, arena, peer, packets):
    for slot, packet in enumerate(packets):
        offset = arena.offsets[slot]
        arena.view[offset : offset + len(packet)] = packet
        peer.queue += (sender.origin + offset, len(packet))


@pytest.mark.parametrize("io", WAYS, ids=lambda io: io.NAME)
def test_received_datagrams_lie_in_their_slots(io, pair):
    one, other = pair
    arena = Arena(8, 2048, 64)
    receiver = io.make_receiver(one, arena)
    sent = [bytes([number]) * (100 + number) for number in range(5)] + [b""]
    for packet in sent:
        other.sendto(packet, one.getsockname())
    came = list(receiver.receive())
    assert [bytes(arena.view[arena.offsets[slot] :][:size]) for slot, size, _, _ in came] == sent
    assert {io.unpack(address) for _, _, address, _ in came} == {other.getsockname()[:2]}
    assert {address for _, _, address, _ in came} == {io.pack(one.family, *other.getsockname()[:2])}
    assert list(receiver.receive()) == []


PAUSE_S = 0.03


@pytest.mark.skipif(not datagrams_mmsg.AVAILABLE, reason="the portable way knows only when it reads")
def test_the_kernel_s_time_of_arrival_is_told_however_late_it_is_read(pair):
    one, other = pair
    receiver = datagrams_mmsg.make_receiver(one, Arena(8, 2048, 64))
    began = time.monotonic()
    for _ in range(3):
        other.sendto(b"x", one.getsockname())
        time.sleep(PAUSE_S)
    read = time.monotonic()
    came = [arrival for *_, arrival in receiver.receive()]
    assert began - 0.001 <= came[0] <= came[1] - PAUSE_S + 0.001 <= came[2] - 2 * PAUSE_S + 0.002
    assert came[2] <= read - PAUSE_S + 0.001
    # Again, as the kernel has written over what it was asked.
    other.sendto(b"x", one.getsockname())
    time.sleep(PAUSE_S)
    assert next(arrival for *_, arrival in receiver.receive()) < time.monotonic() - PAUSE_S + 0.001


def test_read_late_without_it_all_came_at_once(pair):
    """The control: what a turn of the engine would make of a line that has carried evenly."""
    one, other = pair
    receiver = datagrams_portable.make_receiver(one, Arena(8, 2048, 64))
    for _ in range(3):
        other.sendto(b"x", one.getsockname())
        time.sleep(PAUSE_S)
    assert len({arrival for *_, arrival in receiver.receive()}) == 1


@pytest.mark.parametrize("io", WAYS, ids=lambda io: io.NAME)
def test_a_second_batch_reads_whole_addresses_again(io, pair):
    one, other = pair
    receiver = io.make_receiver(one, Arena(2, 2048, 64))
    for _ in range(3):
        other.sendto(b"x", one.getsockname())
    senders = [io.unpack(address) for _ in range(2) for _, _, address, _ in receiver.receive()]
    assert senders == [other.getsockname()[:2]] * 3


@pytest.mark.parametrize("io", WAYS, ids=lambda io: io.NAME)
def test_queued_packets_arrive_in_order_and_whole(io, pair):
    one, other = pair
    arena = Arena(128, 2048)
    sender = io.make_sender(one, arena)
    peer = Peer(io, io.pack(one.family, *other.getsockname()[:2]))
    # Runs of equal size, a shorter end of a run, a longer packet after it, more than one message may carry.
    sizes = [1100] * 3 + [900] + [1000] + [40] * 70 + [1200] * 50
    packets = [bytes([number]) * size for number, size in enumerate(sizes)]
    queue_packets(sender, arena, peer, packets)
    sender.send([peer])
    assert [other.recv(2000) for _ in packets] == packets
    assert peer.queue == []
    assert (sender.sent, sender.dropped) == (len(packets), 0)


@pytest.mark.parametrize("io", WAYS, ids=lambda io: io.NAME)
def test_several_peers_share_a_flush(io):
    with socket.socket() as _, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        others = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(3)]
        one.bind(("127.0.0.1", 0))
        arena = Arena(16, 2048)
        sender = io.make_sender(one, arena)
        peers = []
        for number, other in enumerate(others):
            other.bind(("127.0.0.1", 0))
            other.settimeout(1)
            peer = Peer(io, io.pack(socket.AF_INET, *other.getsockname()))
            peer.queue += (sender.origin + arena.offsets[number], 10 + number)
            arena.view[arena.offsets[number]] = number + 1
            peers.append(peer)
        sender.send(peers)
        for number, other in enumerate(others):
            data = other.recv(100)
            assert (data[0], len(data)) == (number + 1, 10 + number)
            other.close()


@pytest.mark.parametrize("io", WAYS, ids=lambda io: io.NAME)
def test_a_peer_that_cannot_be_reached_costs_only_itself(io):
    """Port 0 is refused by the kernel; what is queued behind it still leaves."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
    ):
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        other.settimeout(1)
        arena = Arena(16, 2048)
        nowhere = Peer(io, io.pack(socket.AF_INET, "127.0.0.1", 0))
        good = Peer(io, io.pack(socket.AF_INET, *other.getsockname()))
        sender = io.make_sender(one, arena)
        queue_packets(sender, arena, nowhere, [b"a" * 50, b"b" * 50, b"c"])
        queue_packets(sender, arena, good, [b"d" * 9, b"e" * 9])
        sender.send([nowhere, good])
        assert [other.recv(100), other.recv(100)] == [b"d" * 9, b"e" * 9]
        assert (sender.sent, sender.dropped) == (2, 3)


def test_one_socket_serves_both_families():
    if not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 here")
    sock = datagrams.open_socket("", 0, 1 << 20)
    port = sock.getsockname()[1]
    io = datagrams.CHOSEN
    receiver = io.make_receiver(sock, Arena(4, 2048))
    with sock:
        for family, host in FAMILIES:
            with socket.socket(family, socket.SOCK_DGRAM) as peer:
                peer.bind((host, 0))
                peer.settimeout(1)
                peer.sendto(b"?", (host, port))
                [(_, _, address, _)] = receiver.receive()
                assert io.unpack(address) == (host, peer.getsockname()[1])
                destination = Peer(io, address)
                arena = Arena(1, 2048)
                sender = io.make_sender(sock, arena)
                queue_packets(sender, arena, destination, [b"!"])
                sender.send([destination])
                assert peer.recv(10) == b"!"


def test_a_run_that_the_kernel_will_not_cut_leaves_packet_by_packet():
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
    ):
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        other.settimeout(1)
        one.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 1)  # without checksums the kernel refuses to cut runs
        arena = Arena(16, 2048)
        peer = Peer(datagrams_mmsg, datagrams_mmsg.pack(socket.AF_INET, *other.getsockname()))
        sender = datagrams_mmsg.make_sender(one, arena)
        for _ in range(2):
            packets = [bytes([number]) * 200 for number in range(4)]
            queue_packets(sender, arena, peer, packets)
            sender.send([peer])
            assert [other.recv(300) for _ in packets] == packets
        assert (sender.sent, sender.dropped) == (8, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="batches are Linux's")
def test_the_batches_are_in_use_here():
    assert datagrams_mmsg.AVAILABLE
    assert datagrams.CHOSEN.NAME == "mmsg"


def test_another_layout_is_not_trusted(monkeypatch):
    monkeypatch.setattr(sys, "byteorder", "big")
    assert datagrams_mmsg._libc() is None
