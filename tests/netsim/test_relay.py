"""SEC-8 and SEC-9: the deployed coturn configuration relays for admitted people, to public addresses, only."""

import re

import pytest

from media_routing.runtime.relay_check import FORBIDDEN4, FORBIDDEN6, relay_problems
from media_routing.runtime.turn_client import TCP, TurnClient
from tests.netsim.lab import LAB_PREFIXES, RELAY_HOST, RELAY_HOST6, Lab, SiteSpec
from tests.netsim.relay import DEPLOYED, Relay
from tests.netsim.turn_client import over_tcp, over_udp

pytestmark = pytest.mark.lab

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
        credentials = relay.credentials(participant, ttl_s=ttl_s)
        one = over_udp(lab.site("a").host, (relay.host, relay.udp_port), *credentials)
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


ATTACK_PORT = 4242
FAMILIES = {
    "ipv4": ({}, FORBIDDEN4),
    "ipv6": ({"ipv6": True}, FORBIDDEN6),
    "both": ({"both": True}, [*FORBIDDEN4, *FORBIDDEN6]),
}


@pytest.fixture(scope="module")
def leaving(lab):
    """How many packets to the attacked port have left any socket of the relay's machine."""
    lab.public.nft(
        f"table inet watch {{\n chain out {{\n  type filter hook output priority 0\n  udp dport {ATTACK_PORT} counter\n }}\n}}\n"
    )
    return lambda: int(re.findall(r"packets (\d+)", lab.public.run("nft", "list", "table", "inet", "watch"))[0])


def attack(asking: TurnClient, addresses: list[str]) -> dict[str, list[str]]:
    """Try every address in every way; return which requests succeeded. Whether a Send arrives is for others to see."""
    ways = {
        "permit": asking.permit,
        "bind": lambda a: asking.bind(a, ATTACK_PORT, next(channels)),
        "connect": asking.connect,
    }
    channels = iter(range(0x4000, 0x5000))
    granted = {way: [address for address in addresses if ask(address) == 0] for way, ask in ways.items()}
    for address in addresses:
        asking.send(address, ATTACK_PORT, b"inside")
    return granted


@pytest.mark.parametrize("family", FAMILIES)
def test_no_forbidden_peer_is_reached_in_any_way(client, leaving, family):
    """CreatePermission, ChannelBind, Connect and Send to 60 addresses; a Send to a permitted public peer leaves."""
    how, addresses = FAMILIES[family]
    asking = client(f"inside-{family}")
    assert asking.allocate(**how) == 0
    assert attack(asking, addresses) == {"permit": [], "bind": [], "connect": []}
    public = PUBLIC6 if family == "ipv6" else PUBLIC4
    assert asking.permit(public) == 0
    asking.send(public, ATTACK_PORT, b"to a peer")
    assert asking.permit(public) == 0  # answered in order, so whatever was to be sent has been
    assert leaving() == 1 + list(FAMILIES).index(family)


def test_it_relays_no_tcp(lab):
    """RFC 6062 would make it a port scanner of whatever it reaches."""
    asking = over_tcp(lab.site("a").host, (lab.relay.host, lab.relay.tcp_port), *lab.relay.credentials("scanner"))
    assert asking.allocate(transport=TCP) == 442
    assert [address for address in FORBIDDEN4 if asking.connect(address) == 0] == []
    asking.close()


def test_the_operator_s_command_finds_an_old_relay_that_tells_its_version_and_one_without_a_list(tmp_path):
    """`manage.py check_relays` asks the relay itself; a good one is in test_relay_to_sfu.py."""
    dropped = ("denied-peer-ip", "no-software-attribute", "no-tcp-relay")
    open_to_all = "\n".join(line for line in DEPLOYED.read_text().splitlines() if not line.startswith(dropped))
    with Lab(a=SiteSpec("cone"), relay=False) as lab:
        relay = Relay(lab.public, RELAY_HOST, RELAY_HOST6, LAB_PREFIXES, tmp_path, deployed=open_to_all)
        with lab.site("a").host.entered():
            found = relay_problems(relay.host, (relay.udp_port, relay.tcp_port, 0), relay.credentials("operator"))
            stranger = relay_problems(relay.host, (0, 9, 0), ("0:nobody", "x"))
        relay.close()
    assert any("Coturn-4.6.1" in problem for problem in found)
    assert {"over UDP: older than coturn 4.17.1", "over TCP: older than coturn 4.17.1"} <= set(found)
    assert {"it relays to 10.0.0.1", "it relays to fd00:ec2::254", "it relays TCP; set no-tcp-relay"} <= set(found)
    assert len(stranger) == 1
    assert "no answer on port 9" in stranger[0]


def test_without_the_list_the_same_attack_succeeds(tmp_path):
    """The control, and what Debian's 4.6.1 refuses by itself: loopback, multicast and 0.0.0.0/8 in their plain forms."""
    bare = "\n".join(line for line in DEPLOYED.read_text().splitlines() if not line.startswith("denied-peer-ip"))
    with Lab(a=SiteSpec("cone"), relay=False) as lab:
        relay = Relay(lab.public, RELAY_HOST, RELAY_HOST6, LAB_PREFIXES, tmp_path, deployed=bare)
        reached = []
        for how, addresses in ({}, FORBIDDEN4), ({"ipv6": True}, FORBIDDEN6):
            asking = over_udp(lab.site("a").host, (relay.host, relay.udp_port), *relay.credentials("control"))
            assert asking.allocate(**how) == 0
            reached += attack(asking, addresses)["permit"]
            asking.close()
        relay.close()
    assert {"10.0.0.1", "169.254.169.254", "100.64.0.1", "::ffff:127.0.0.1", "2002:7f00:1::1", "fd00:ec2::254"} <= set(
        reached
    )
    assert len(reached) > 40


def test_it_refuses_an_expired_a_foreign_and_a_forged_credential(lab, client):
    assert client("late", ttl_s=-10).allocate() == 401
    username, password = lab.relay.credentials("victim")
    for name, word in [
        (username.replace("victim", "somebody"), password),
        (username.replace(username.split(":")[0], "9999999999"), password),
        (username, password[::-1]),
    ]:
        forged = over_udp(lab.site("a").host, (lab.relay.host, lab.relay.udp_port), name, word)
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
