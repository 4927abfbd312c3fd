"""The lab behaves like the networks it stands for; every later test about connections rests on this."""

import socket
import subprocess
import time

import pytest

from tests.netsim.ice_peers import meet
from tests.netsim.lab import RELAY_HOST, WEB_HOST, Lab, SiteSpec
from tests.netsim.namespace import Namespace, ip, sweep

pytestmark = pytest.mark.lab
STUN = {"stun_server": (RELAY_HOST, 3478)}


def turn(lab: Lab, *, transport: str = "udp", tls: bool = False) -> dict:
    username, password = lab.relay.credentials()
    port = lab.relay.tls_port if tls else lab.relay.udp_port
    return {
        **STUN,
        "turn_server": (RELAY_HOST, port),
        "turn_username": username,
        "turn_password": password,
        "turn_transport": transport,
        "turn_ssl": tls,
    }


def test_two_cones_meet_directly():
    """STUN only: aioice takes the first pair that works, and a relay may be the first."""
    with Lab(a=SiteSpec("cone"), b=SiteSpec("cone")) as lab:
        a, b = meet(lab.site("a"), lab.site("b"), RELAY_HOST, **STUN)
        assert (a.connected, a.relayed, b.connected, b.relayed) == (True, False, True, False)
        assert lab.site("b").wan_address in a.remote
        assert lab.site("a").wan_address in b.remote


def test_a_symmetric_nat_meets_a_full_cone_directly():
    with Lab(a=SiteSpec("symmetric"), b=SiteSpec("fullcone")) as lab:
        a, b = meet(lab.site("a"), lab.site("b"), RELAY_HOST, **STUN)
        assert (a.connected, a.relayed, b.connected, b.relayed) == (True, False, True, False)
        assert lab.site("b").wan_address in a.remote


@pytest.mark.parametrize("other", ["cone", "symmetric"])
def test_a_symmetric_nat_needs_the_relay(other):
    with Lab(a=SiteSpec("symmetric"), b=SiteSpec(other)) as lab:
        a, b = meet(lab.site("a"), lab.site("b"), RELAY_HOST, **turn(lab))
        assert (a.connected, a.relayed, b.connected, b.relayed) == (True, True, True, True)


def test_symmetric_to_symmetric_fails_with_stun_only():
    """The control: were the NATs leaky, the relay tests above would prove nothing."""
    with Lab(a=SiteSpec("symmetric"), b=SiteSpec("symmetric")) as lab:
        a, b = meet(lab.site("a"), lab.site("b"), RELAY_HOST, **STUN)
        assert (a.connected, b.connected) == (False, False)


def test_blocked_udp_passes_through_turn_over_tcp():
    with Lab(a=SiteSpec(firewall="no_udp"), b=SiteSpec(firewall="no_udp")) as lab:
        a, b = meet(lab.site("a"), lab.site("b"), RELAY_HOST, **turn(lab, transport="tcp"))
        assert (a.connected, a.relayed, b.connected, b.relayed) == (True, True, True, True)


def test_only_port_443_passes_through_turn_over_tls(monkeypatch):
    with Lab(a=SiteSpec(firewall="only_443"), b=SiteSpec(firewall="only_443")) as lab:
        monkeypatch.setenv("SSL_CERT_FILE", str(lab.relay.certificate))
        a, b = meet(lab.site("a"), lab.site("b"), RELAY_HOST, **turn(lab, transport="tcp", tls=True))
        assert (a.connected, a.relayed, b.connected, b.relayed) == (True, True, True, True)


@pytest.fixture(scope="module")
def lab():
    with Lab(a=SiteSpec(), b=SiteSpec(firewall="no_udp"), relay=False) as built:
        yield built


@pytest.fixture
def echo(lab):
    """A UDP socket at the web host that the test answers by hand, and one inside site a."""
    with lab.public.socket(socket.SOCK_DGRAM) as outside, lab.site("a").host.socket(socket.SOCK_DGRAM) as inside:
        outside.bind((WEB_HOST, 0))
        for one in (outside, inside):
            one.settimeout(0.3)
        inside.connect(outside.getsockname())
        yield inside, outside
    lab.site("a").restore()


def test_a_site_can_be_cut_and_restored(lab, echo):
    inside, outside = echo
    inside.send(b"before")
    assert outside.recv(10) == b"before"
    lab.site("a").cut()
    inside.send(b"lost")
    with pytest.raises(TimeoutError):
        outside.recv(10)
    lab.site("a").restore()
    inside.send(b"after")
    assert outside.recv(10) == b"after"


def test_loss_is_what_was_asked_for_and_only_there(lab, echo):
    inside, outside = echo
    lab.site("a").lose(30, 0)
    arrived = [packet for number in range(1000) if (packet := _pass(inside, outside, number))]
    assert 620 < len(arrived) < 780  # 700 ± 5.5 standard deviations
    lab.site("a").lose(100, 100, only="203.0.113.10/32")
    assert _pass(inside, outside, 1)


def _pass(inside, outside, number: int) -> bytes:
    outside.settimeout(0)  # inside one machine a packet has arrived when send returns
    inside.send(number.to_bytes(4, "big"))
    try:
        return outside.recv(10)
    except BlockingIOError:
        return b""


def test_a_slow_line_is_slow(lab, echo):
    """50 packets of 1 kB at 400 kbit/s with 16 kB of burst take about 0.7 s; unlimited, some milliseconds."""
    inside, outside = echo
    outside.settimeout(3)
    for limited in (False, True):
        if limited:
            lab.site("a").limit(400_000, 400_000, queue_ms=2000)
        started = time.monotonic()
        for _ in range(50):
            inside.send(bytes(1000))
        for _ in range(50):
            outside.recv(2000)
        took_s = time.monotonic() - started
        assert (0.4 < took_s < 2) if limited else took_s < 0.3


def test_a_site_that_moves_comes_from_a_new_address_each_time(lab, echo):
    inside, outside = echo
    inside.send(b"x")
    seen = [outside.recvfrom(10)[1][0]]
    for _ in range(2):
        lab.site("a").move()
        inside.send(b"x")
        seen.append(outside.recvfrom(10)[1][0])
        assert seen[-1] == lab.site("a").wan_address
    assert len(set(seen)) == 3, "an address that was left is used again"


def test_a_firewall_that_blocks_udp_lets_tcp_out(lab):
    host = lab.site("b").host
    with lab.public.socket(socket.SOCK_DGRAM) as datagrams, lab.public.socket(socket.SOCK_STREAM) as listener:
        datagrams.bind((WEB_HOST, 0))
        datagrams.settimeout(0.3)
        listener.bind((WEB_HOST, 0))
        listener.listen()
        with host.socket(socket.SOCK_DGRAM) as one, host.socket(socket.SOCK_STREAM) as other:
            one.sendto(b"x", datagrams.getsockname())
            with pytest.raises(TimeoutError):
                datagrams.recv(10)
            other.settimeout(2)
            other.connect(listener.getsockname())


def test_a_program_can_be_started_inside(lab):
    wrapper = lab.site("a").browser_executable("/bin/cat")
    addresses = subprocess.run([wrapper, "/proc/net/fib_trie"], check=True, capture_output=True, text=True).stdout
    assert lab.site("a").address in addresses
    assert WEB_HOST not in addresses


def test_a_lab_leaves_nothing_behind_and_the_next_one_sweeps():
    with Lab(a=SiteSpec(), relay=False) as built:
        mine = built.public.name
        assert mine in ip("netns", "list")
    assert mine not in ip("netns", "list")
    gone = subprocess.Popen(["true"])
    gone.wait()
    orphan = Namespace(f"lab{gone.pid}-orphan")
    sleeper = orphan.popen(["sleep", "300"])
    assert orphan.name in sweep()
    assert sleeper.wait(5) != 0
    assert orphan.name not in ip("netns", "list")
