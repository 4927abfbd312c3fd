"""SEC-8 and SEC-9: the deployed coturn configuration relays for admitted people, to public addresses, only."""

import socket

import pytest

from tests.netsim.lab import Lab, SiteSpec
from tests.netsim.relay import DEPLOYED
from tests.netsim.turn_client import TurnClient

pytestmark = pytest.mark.lab

FORBIDDEN4 = """
0.0.0.0 0.0.0.1 0.255.255.255 10.0.0.1 10.2.0.2 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1
127.0.0.53 127.255.255.254 168.63.129.16 169.254.0.1 169.254.169.254 169.254.170.2 172.16.0.1 172.17.0.1
172.31.255.255 192.0.0.1 192.0.0.192 192.0.2.1 192.88.99.1 192.168.0.1 192.168.1.1 192.168.255.255 198.18.0.1
198.19.255.255 203.0.113.20 224.0.0.1 224.0.0.251 239.255.255.250 240.0.0.1 255.255.255.255
""".split()
FORBIDDEN6 = """
:: ::1 ::127.0.0.1 ::10.0.0.1 ::169.254.169.254 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254
::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b::a00:1 64:ff9b:1::1 100::1 2001::1 2001:db8::1 2002:7f00:1::1
2002:a00:1::1 2002:a9fe:a9fe::1 3fff::1 5f00::1 fc00::1 fd00:ec2::254 fdff::1 fe80::1 fec0::1 ff02::1 ff05::2
""".split()
PUBLIC4, PUBLIC6 = "198.51.100.2", "2001:db8:f::10"  # the lab's stand-ins; real ones below
REALLY_PUBLIC4, REALLY_PUBLIC6 = "8.8.8.8", "2606:4700:4700::1111"


@pytest.fixture(scope="module")
def lab():
    with Lab(a=SiteSpec("cone")) as built:
        yield built


@pytest.fixture
def client(lab):
    made = []

    def make(participant: str, *, ttl_s: int = 300) -> TurnClient:
        relay = lab.relay
        one = TurnClient(lab.site("a").host, (relay.host, relay.udp_port), *relay.credentials(participant, ttl_s=ttl_s))
        made.append(one)
        return one

    yield make
    for one in made:
        if one.nonce:
            one.release()
        one.close()


def test_it_permits_public_addresses(client):
    """The control: without it a relay that refuses everything would pass the tests below."""
    four, six = client("public"), client("public")
    assert four.allocate() == 0
    assert six.allocate(ipv6=True) == 0
    assert [four.permit(PUBLIC4), four.permit(REALLY_PUBLIC4), four.bind(REALLY_PUBLIC4)] == [0, 0, 0]
    assert [six.permit(PUBLIC6), six.permit(REALLY_PUBLIC6), six.bind(REALLY_PUBLIC6)] == [0, 0, 0]


@pytest.mark.parametrize(("ipv6", "addresses"), [(False, FORBIDDEN4), (True, FORBIDDEN6)], ids=["ipv4", "ipv6"])
def test_it_refuses_private_and_special_addresses(client, ipv6, addresses):
    asking = client(f"inside-{ipv6}")
    assert asking.allocate(ipv6=ipv6) == 0
    permitted = {address: asking.permit(address) for address in addresses}
    bound = {address: asking.bind(address) for address in addresses}
    assert {address: code for address, code in permitted.items() if code != 403} == {}
    assert {address: code for address, code in bound.items() if code != 403} == {}


def test_a_send_indication_reaches_only_permitted_peers(lab, client):
    """A Send to the relay's own loopback arrives nowhere; the same to a permitted public address arrives."""
    asking = client("sender")
    assert asking.allocate() == 0
    inside, outside = (lab.public.socket(socket.SOCK_DGRAM) for _ in range(2))
    with inside, outside:
        inside.bind(("127.0.0.1", 0))
        outside.bind((lab.relay.host, 0))
        outside.settimeout(2)
        assert asking.permit(lab.relay.host) == 0
        asking.send("127.0.0.1", inside.getsockname()[1], b"to the loopback")
        asking.send(lab.relay.host, outside.getsockname()[1], b"to a peer")
        assert outside.recv(100) == b"to a peer"
        inside.setblocking(False)
        with pytest.raises(BlockingIOError):
            inside.recv(100)


def test_it_refuses_an_expired_a_foreign_and_a_forged_credential(lab, client):
    assert client("late", ttl_s=-10).allocate() == 401
    username, password = lab.relay.credentials("victim")
    for name, word in [
        (username.replace("victim", "somebody"), password),
        (username.replace(username.split(":")[0], "9999999999"), password),
        (username, password[::-1]),
    ]:
        forged = TurnClient(lab.site("a").host, (lab.relay.host, lab.relay.udp_port), name, word)
        assert forged.allocate() == 401
        forged.close()
    assert client("in-time").allocate() == 0


def test_it_refuses_the_thirteenth_allocation_of_one_participant(client):
    """Renewed credentials of the same participant count together, another participant is not hit."""
    codes = [client("greedy", ttl_s=300 - number).allocate() for number in range(13)]
    assert codes == [0] * 12 + [486]
    assert client("modest").allocate() == 0


def test_the_configuration_holds_no_secret_and_no_console():
    lines = {line.split("=")[0] for line in DEPLOYED.read_text().splitlines() if line and not line.startswith("#")}
    assert {"use-auth-secret", "no-cli", "no-multicast-peers", "no-tcp-relay", "no-tlsv1", "no-tlsv1_1"} <= lines
    assert not lines & {"static-auth-secret", "user", "no-auth", "allow-loopback-peers", "allowed-peer-ip", "cli-ip"}
