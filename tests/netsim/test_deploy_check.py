"""The deploy check (SEC-8): what must stop coturn from starting, because coturn itself would start."""

import subprocess
import sys
import time

import pytest

from media_routing.runtime.relay_check import COTURN_FLOOR, FORBIDDEN4, FORBIDDEN6
from tests.netsim.relay import DEPLOYED, configured

CHECK = DEPLOYED.with_name("check.py")
MACHINE = (
    "realm=turn.example.org\nstatic-auth-secret=not-a-real-one\nlistening-ip=203.0.113.10\ntls-listening-port=443\n"
)
CURRENT, DEBIAN = "4.17.1", "4.6.1"


@pytest.fixture
def check(tmp_path):
    """Runs the check on a configuration, with a turnserver that says it is of `version`; it leaves a file when started."""
    program, started = tmp_path / "turnserver", tmp_path / "started"

    def run(text: str, *words: str, version: str = CURRENT) -> tuple[int, str, bool]:
        program.write_text(f'#!/bin/sh\ncase "$1" in --version) echo "{version}";; *) echo "$2" > {started};; esac\n')
        program.chmod(0o755)
        config = tmp_path / "turnserver.conf"
        config.write_text(text)
        command = [sys.executable, str(CHECK), str(config), "--turnserver", str(program), *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
        return done.returncode, done.stderr, started.exists()

    return run


def test_the_shipped_configuration_with_a_media_server_starts(check):
    assert check(configured("10.0.5.20") + MACHINE, "--start") == (0, "", True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("denied-peer-ip=10.0.0.0-10.255.255.255", "denied-peer-ip=10.0.0.0/8"), "10.0.0.0/8"),
        (("denied-peer-ip=10.0.0.0-10.255.255.255", "denied-peer-ip=10.0.0.0-10.255.255"), "10.255.255"),
        (("denied-peer-ip=10.0.0.0-10.255.255.255", "denied-peer-ip=10.255.255.255-10.0.0.0"), "no range"),
        (("denied-peer-ip=10.0.0.0", "denied-peer-ipp=10.0.0.0"), "denied-peer-ipp"),
        (("denied-peer-ip=127.0.0.0-127.255.255.255\n", ""), "127.0.0.0/8 is not denied"),
        (("denied-peer-ip=2002::-2002", "denied-peer-ip=2002::1-2002"), "2002::/16 is not denied"),
        (("denied-peer-ip=::1-1fff", "denied-peer-ip=::-1fff"), "begin at ::1"),
        (("no-tcp-relay\n", ""), "no-tcp-relay is missing"),
        (("use-auth-secret\n", "no-auth\n"), "everybody could relay"),
        (("no-cli\n", "no-cli\nallowed-peer-ip=10.0.0.0-10.0.0.9\n"), "allowed-peer-ip"),
        (("no-cli\n", "no-cli\nallowed-peer-ip=169.254.169.254\n"), "allowed-peer-ip"),
        (("no-cli\n", "no-cli\nallow-loopback-peers\n"), "this machine itself"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_line_stops_the_start(check, change, said):
    text = DEPLOYED.read_text()
    assert change[0] in text
    code, problems, started = check(text.replace(*change) + MACHINE, "--start")
    assert (code, started) == (1, False)
    assert said in problems


@pytest.mark.parametrize("version", [DEBIAN, "4.17.0", "4.9.0", "who knows"])
def test_an_old_coturn_is_refused(check, version):
    code, problems, started = check(DEPLOYED.read_text() + MACHINE, "--start", version=version)
    assert (code, started) == (1, False)
    assert "version" in problems or "older than 4.17.1" in problems


def test_an_old_one_is_taken_by_whoever_names_it(check):
    words = ("--start", "--accept", DEBIAN)
    assert check(DEPLOYED.read_text() + MACHINE, *words, version="4.6.0")[2] is False
    assert check(DEPLOYED.read_text() + MACHINE, *words, version=DEBIAN) == (0, "", True)


def test_every_forbidden_peer_lies_in_the_shipped_list():
    """`manage.py check_relays` asks for these; the list is checked by ranges. Both must mean the same."""
    sys.path.insert(0, str(CHECK.parent))
    try:
        import check
    finally:
        sys.path.remove(str(CHECK.parent))
    denied = [
        check.range_of(value) for name, value in check.options_of(DEPLOYED.read_text()) if name == "denied-peer-ip"
    ]
    # :: itself cannot be written down; coturn refuses it by itself (test_relay.py).
    assert [address for address in [*FORBIDDEN4, *FORBIDDEN6] if not check.is_denied(address, denied)] == ["::"]
    assert check.FLOOR == COTURN_FLOOR
    assert not check.is_denied("8.8.8.8", denied)
    assert not check.is_denied("2606:4700:4700::1111", denied)


@pytest.mark.lab
def test_coturn_itself_starts_with_a_list_it_cannot_read(tmp_path):
    """The control: were it to refuse, the check would be needless."""
    config = tmp_path / "turnserver.conf"
    # No socket of another test is in the way: an address of loopback, which nobody is told.
    config.write_text(
        f"listening-ip=127.0.0.1\nlistening-port=0\nno-tls\nno-dtls\nno-cli\nuserdb={tmp_path / 'db'}\n"
        f"pidfile={tmp_path / 'pid'}\nlog-file=stdout\nsimple-log\ndenied-peer-ip=10.0.0.0/8\ndenied-peer-ipp=127.0.0.1\n"
    )
    log = tmp_path / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(["turnserver", "-c", str(config)], stdout=out, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 10
        while "Show him the instruments" not in log.read_text(errors="replace"):
            assert time.monotonic() < deadline, log.read_text(errors="replace")
            assert process.poll() is None, log.read_text(errors="replace")
            time.sleep(0.05)
        assert "Wrong address format: 10.0.0.0/8" in log.read_text(errors="replace")
    finally:
        process.kill()
        process.wait()
