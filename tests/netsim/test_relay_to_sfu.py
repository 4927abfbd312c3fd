"""SEC-8 with a media server: the relay reaches its advertised address over TLS on 443, and no other private one."""

import socket
import subprocess
import sys

import pytest

from media_routing.runtime.relay_check import relay_problems
from media_routing.runtime.turn_client import DATA, parse_attributes
from tests.netsim.lab import LAB_PREFIXES, RELAY_HOST, RELAY_HOST6, Lab, SiteSpec
from tests.netsim.relay import DEPLOYED, Relay
from tests.netsim.turn_client import over_tls, over_udp

SFU, NEIGHBOUR = "10.77.0.5", "10.77.0.6"
CONFIGURE = DEPLOYED.with_name("configure.py")


def configure(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(CONFIGURE), *words], capture_output=True, text=True, timeout=20)


@pytest.fixture(scope="module", params=[True, False], ids=["configured", "as shipped"])
def relay(request, tmp_path_factory):
    """A relay, the lab it stands in, and whether it was told of the media server."""
    config = configure("--sfu", SFU).stdout if request.param else DEPLOYED.read_text()
    with Lab(a=SiteSpec("cone"), relay=False) as lab:
        for address in (SFU, NEIGHBOUR):
            lab.public.run("ip", "address", "add", f"{address}/32", "dev", "lo")
        made = Relay(
            lab.public, RELAY_HOST, RELAY_HOST6, LAB_PREFIXES, tmp_path_factory.mktemp("relay"), deployed=config
        )
        try:
            yield made, lab, request.param
        finally:
            made.close()


@pytest.mark.lab
def test_tls_on_443_reaches_the_media_server_and_no_other_private_address(relay):
    running, lab, configured = relay
    client = over_tls(
        lab.site("a").host, (running.host, running.tls_port), *running.credentials("guest"), running.certificate
    )
    with lab.public.socket(socket.SOCK_DGRAM) as sfu, lab.public.socket(socket.SOCK_DGRAM) as other:
        sfu.bind((SFU, 0))
        other.bind((NEIGHBOUR, 0))
        sfu.settimeout(2)
        other.settimeout(0.5)
        assert client.allocate() == 0
        # The control: without the exception the media server is denied like everything private.
        assert client.permit(SFU) == (0 if configured else 403)
        assert client.permit(NEIGHBOUR) == 403
        client.send(NEIGHBOUR, other.getsockname()[1], b"to the neighbour")
        client.send(SFU, sfu.getsockname()[1], b"to the media server")
        if configured:
            data, relayed = sfu.recvfrom(100)
            assert data == b"to the media server"
            assert relayed[0] == running.host
            sfu.sendto(b"and back", relayed)
            assert dict(parse_attributes(client.receive()))[DATA] == b"and back"
        else:
            with pytest.raises(TimeoutError):
                sfu.recv(100)
        with pytest.raises(TimeoutError):
            other.recv(100)
    client.close()


@pytest.mark.lab
def test_the_operator_s_command_finds_whether_the_media_server_is_reached(relay, monkeypatch):
    running, lab, configured = relay
    monkeypatch.setenv("SSL_CERT_FILE", str(running.certificate))
    ports = (running.udp_port, running.tcp_port, running.tls_port)
    with lab.site("a").host.entered():
        problems = relay_problems(running.host, ports, running.credentials("operator"), must_reach=[SFU])
        wrong_secret = relay_problems(running.host, ports, (running.credentials("operator")[0], "x"), must_reach=[SFU])
    missing = f"it does not relay to the media server at {SFU} (deploy/coturn/configure.py --sfu)"
    assert problems == ([] if configured else [missing])
    assert {problem[:31] for problem in wrong_secret} == {"it refuses our credentials (401"}


@pytest.mark.lab
def test_other_forms_of_its_address_stay_denied(relay):
    running, lab, _ = relay
    client = over_udp(lab.site("a").host, (running.host, running.udp_port), *running.credentials("v6"))
    assert client.allocate(ipv6=True) == 0
    for form in (f"::ffff:{SFU}", f"::{SFU}", f"64:ff9b::{SFU}", "2002:a4d:5::1"):
        assert client.permit(form) == 403, form
    client.release()
    client.close()


@pytest.mark.parametrize(
    "word",
    "10.0.0.0/8 10.0.0.1-10.0.0.9 0.0.0.0 127.0.0.1 :: ::1 169.254.169.254 100.100.100.200 192.0.0.192 224.0.0.1 "
    "255.255.255.255 ::ffff:10.0.0.5 64:ff9b::a00:5 2002:a00:5::1 fe80::1 sfu.example.org 10.0.0".split(),
)
def test_a_wrong_exception_makes_no_configuration(word):
    done = configure("--sfu", word)
    assert done.returncode == 1
    assert done.stdout == ""


def test_the_exception_is_exactly_the_address():
    assert configure().stdout == DEPLOYED.read_text()
    added = configure("--sfu", SFU, "--sfu", "2001:db8:5::20", "--sfu", SFU).stdout.removeprefix(DEPLOYED.read_text())
    assert [line for line in added.splitlines() if line and line[0] != "#"] == [
        f"allowed-peer-ip={SFU}",
        "allowed-peer-ip=2001:db8:5::20",
    ]
