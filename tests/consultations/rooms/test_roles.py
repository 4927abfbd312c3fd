"""`serve --web N --rtc M` over a real Redis: pins, moves, deaths, drains, counters. Real processes, real sockets."""

import asyncio
import contextlib
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
import websockets

from tests.consultations.rooms.conftest import run_redis
from tests.consultations.rooms.people import Browser, Doctor, Patient, Socket
from tests.e2e.server import ROOT, AppServer

MOVED = 4421
TOKEN = secrets.token_urlsafe(24)


class RolesServer(AppServer):
    """A demo with two page processes and two rtc processes."""

    rtc_port: int

    def rtc_metrics(self, number: int) -> dict[str, float]:
        answer = requests.get(f"http://127.0.0.1:{self.rtc_port + number}/metrics", timeout=5)
        assert answer.status_code == 200
        return read_metrics(answer.text)

    def open_sockets(self, number: int) -> float:
        """Visits' sockets on that rtc process."""
        return self.rtc_metrics(number).get('telemed_websockets{kind="visit"}', 0)

    def children(self) -> dict[str, int]:
        """ "rtc 0" and so on -> process id."""
        assert self.process
        found = {}
        for pid in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split():
            try:
                text = Path(f"/proc/{pid}/environ").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue  # it ended between the two looks
            environ = dict(item.split("=", 1) for item in text.split("\0") if "=" in item)
            if "TELEMED_PROCESS_ROLE" in environ:
                found[f"{environ['TELEMED_PROCESS_ROLE']} {environ['TELEMED_PROCESS_NUMBER']}"] = int(pid)
        return found


def read_metrics(text: str) -> dict[str, float]:
    lines = [line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, value in lines}


def free_ports(count: int) -> int:
    """The first of `count` ports in a row that nobody listens on now."""
    while True:
        first = 20000 + secrets.randbelow(10000)
        with contextlib.ExitStack() as stack:
            try:
                for port in range(first, first + count):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
        return first


def start_site(redis_url: str, directory: Path, *roles: str, **environment: str) -> RolesServer:
    rtc_port = free_ports(4)
    shared = {
        "DEMO": "1",
        "DATABASE_URL": f"sqlite://{directory / 'shared.sqlite3'}",
        "REDIS_URL": redis_url,
        "TELEMED_VAR_DIR": str(directory),
        "METRICS_TOKEN": TOKEN,
        **environment,
    }
    site = RolesServer(arguments=[*roles, "--rtc-port", str(rtc_port)], **shared)
    site.rtc_port = rtc_port
    return site


@pytest.fixture(scope="module")
def redis_here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with run_redis(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture(scope="module")
def site(redis_here: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RolesServer]:
    with start_site(redis_here, tmp_path_factory.mktemp("site"), "--web", "2", "--rtc", "2") as running:
        yield running


@pytest.fixture(scope="module")
def people(site: RolesServer) -> tuple[Doctor, Patient]:
    """The demo's first two, with the patient in the waiting room."""
    doctor, patient = Doctor(site.base_url), Patient(site.base_url)
    patient.redeem(site.patient_url)
    patient.walk_to_waiting()
    doctor.sign_in(site.practitioner_url)
    return doctor, patient


def socket_at(browser: Browser, url: str) -> Socket:
    """A socket at an absolute address, as pages get it."""
    made = Socket(browser, "")
    made.url = url
    return made


def ws_url_of(doctor: Doctor, code: str) -> str:
    return re.search(r'data-ws-path="([^"]+)"', doctor.open(f"/visit/{code}/").text)[1].replace("&amp;", "&")


def node_of(site: RolesServer, url: str) -> int:
    return urlsplit(url).port - site.rtc_port


@asynccontextmanager
async def seated(people: tuple[Doctor, Patient]) -> AsyncIterator[tuple[Socket, Socket]]:
    """Both on the address that their page names, and said hello."""
    doctor, patient = people
    async with (
        socket_at(doctor, ws_url_of(doctor, patient.code)) as calling,
        socket_at(patient, patient.state()["ws_url"]) as waiting,
    ):
        await calling.hello()
        await waiting.hello()
        yield calling, waiting


async def next_url(patient: Patient, other_than: str, within_s: float = 15) -> str:
    """What the page is told once it is something else."""
    async with asyncio.timeout(within_s):
        while (url := patient.state()["ws_url"]) == other_than:
            await asyncio.sleep(0.3)
    return url


def test_it_starts_the_roles(site: RolesServer) -> None:
    assert set(site.children()) == {"rtc 0", "rtc 1", "web 0", "web 1"}


async def test_both_people_are_led_to_one_rtc_process(site: RolesServer, people: tuple[Doctor, Patient]) -> None:
    doctor, patient = people
    url = patient.state()["ws_url"]
    assert urlsplit(url).port in {site.rtc_port, site.rtc_port + 1}
    assert urlsplit(ws_url_of(doctor, patient.code)).port == urlsplit(url).port
    async with seated(people):
        assert site.open_sockets(node_of(site, url)) == 2
        assert site.open_sockets(1 - node_of(site, url)) == 0


async def test_a_page_may_connect_to_every_rtc_process(site: RolesServer, people: tuple[Doctor, Patient]) -> None:
    """Its Content-Security-Policy names them: the visit may move while the page is open."""
    doctor, patient = people
    for answer in (doctor.open(f"/visit/{patient.code}/"), patient.open(f"/v/{patient.code}/")):
        allowed = re.search(r"connect-src ([^;]+)", answer.headers["Content-Security-Policy"])[1].split()
        assert {f"ws://localhost:{site.rtc_port}", f"ws://localhost:{site.rtc_port + 1}"} <= set(allowed)
    elsewhere = doctor.open("/today/").headers["Content-Security-Policy"]
    assert f":{site.rtc_port}" not in elsewhere


@pytest.mark.parametrize("wrong", ["web", "rtc"])
async def test_a_socket_at_the_wrong_process_is_told_where_to_go(
    site: RolesServer, people: tuple[Doctor, Patient], wrong: str
) -> None:
    _, patient = people
    url = patient.state()["ws_url"]
    port = site.port if wrong == "web" else site.rtc_port + 1 - node_of(site, url)
    async with socket_at(patient, url.replace(f":{urlsplit(url).port}", f":{port}")) as lost:
        assert (await lost.until("moved"))["ws_url"] == url
        assert await lost.closed() == MOVED


async def test_who_has_no_seat_is_not_told_where_the_visit_is(
    site: RolesServer, people: tuple[Doctor, Patient]
) -> None:
    _, patient = people
    stranger = Patient(site.base_url)
    async with socket_at(stranger, f"ws://localhost:{site.port}/ws/visit/{patient.code}/?as=seat") as refused:
        assert await refused.closed() == 4401
        assert [message["type"] for message in refused.seen] == []


async def test_a_foreign_origin_is_refused_by_an_rtc_process(site: RolesServer, people: tuple[Doctor, Patient]) -> None:
    _, patient = people
    url = patient.state()["ws_url"]
    for origin in ("https://evil.example", f"http://localhost:{site.rtc_port}", None):
        asking = socket_at(patient, url)
        asking.origin = origin
        with pytest.raises(websockets.InvalidStatus) as refused:
            await asking.__aenter__()
        assert refused.value.response.status_code == 403


async def test_a_redis_that_stalls_ends_no_socket(
    site: RolesServer, redis_here: str, people: tuple[Doctor, Patient]
) -> None:
    """redis-py gives up reading after 5 s by default, which is how long the channel layer's read may block: an answer
    that is a little late must not end the socket.
    """
    async with seated(people) as (calling, waiting):
        await asyncio.sleep(3.5)
        with socket.create_connection((urlsplit(redis_here).hostname, urlsplit(redis_here).port)) as admin:
            admin.sendall(b"CLIENT PAUSE 3000 ALL\r\n")
            assert admin.recv(10) == b"+OK\r\n"
        await asyncio.sleep(4)
        for one in (calling, waiting):
            await one.send({"type": "ping", "rev": 0})
            await one.until("pong")


def test_an_rtc_process_renders_no_pages(site: RolesServer) -> None:
    base = f"http://127.0.0.1:{site.rtc_port}"
    assert [requests.get(base + path, timeout=5).status_code for path in ("/", "/today/", "/admin/")] == [404] * 3
    assert requests.get(f"{base}/readyz", timeout=5).status_code == 200


def test_counters_are_for_this_machine_only(site: RolesServer) -> None:
    for port in (site.port, site.rtc_port):
        url = f"http://127.0.0.1:{port}/metrics"
        assert "telemed_event_loop_lag_seconds_bucket" in requests.get(url, timeout=5).text
        for headers in ({"X-Forwarded-For": "192.0.2.1"}, {"Forwarded": "for=192.0.2.1"}, {"X-Real-IP": "192.0.2.1"}):
            assert requests.get(url, headers=headers, timeout=5).status_code == 404
        with_token = {"X-Forwarded-For": "192.0.2.1", "Authorization": f"Bearer {TOKEN}"}
        assert requests.get(url, headers=with_token, timeout=5).status_code == 200
        with_token["Authorization"] += "x"
        assert requests.get(url, headers=with_token, timeout=5).status_code == 404


def test_counters_carry_no_names_and_no_codes(site: RolesServer, people: tuple[Doctor, Patient]) -> None:
    _, patient = people
    for number in (0, 1):
        text = requests.get(f"http://127.0.0.1:{site.rtc_port + number}/metrics", timeout=5).text
        assert patient.code not in text
        assert "Paul" not in text


async def test_a_dead_rtc_process_comes_back_and_keeps_its_visits(
    site: RolesServer, people: tuple[Doctor, Patient]
) -> None:
    _, patient = people
    url = patient.state()["ws_url"]
    name = f"rtc {node_of(site, url)}"
    async with seated(people) as (calling, waiting):
        killed = site.children()[name]
        os.kill(killed, signal.SIGKILL)
        assert [await calling.closed(), await waiting.closed()] == [1006, 1006]
    started = time.monotonic()
    while True:
        try:
            async with seated(people):
                break
        except (OSError, websockets.WebSocketException, TimeoutError):
            assert time.monotonic() - started < 15
            await asyncio.sleep(0.2)
    assert site.children()[name] != killed


async def test_the_visits_of_an_rtc_process_that_stays_dead_are_pinned_anew(
    site: RolesServer, people: tuple[Doctor, Patient]
) -> None:
    """Stopped, it holds its port and beats no more, as a machine that is cut off."""
    _, patient = people
    url = patient.state()["ws_url"]
    stuck = site.children()[f"rtc {node_of(site, url)}"]
    os.kill(stuck, signal.SIGSTOP)
    try:
        started = time.monotonic()
        assert patient.state()["ws_url"] == url  # control: one that only just stopped is not given up
        anew = await next_url(patient, url)
        assert 4 < time.monotonic() - started < 12
        assert node_of(site, anew) == 1 - node_of(site, url)
        async with seated(people) as (calling, waiting):
            os.kill(stuck, signal.SIGCONT)  # it is back, and does not get the visit back
            await asyncio.sleep(4)
            assert (await calling.ask("admit", participant="nobody", identity="known"))["ok"] is False
            await waiting.send({"type": "ping", "rev": 0})
            await waiting.until("pong")
        assert patient.state()["ws_url"] == anew
    finally:
        os.kill(stuck, signal.SIGCONT)


async def test_a_draining_rtc_process_sends_its_pages_to_another(
    site: RolesServer, people: tuple[Doctor, Patient]
) -> None:
    _, patient = people
    url = patient.state()["ws_url"]
    name = f"rtc {node_of(site, url)}"
    draining = site.children()[name]
    async with seated(people) as (calling, waiting):
        os.kill(draining, signal.SIGTERM)
        for one in (calling, waiting):
            moved = await one.until("moved")
            assert node_of(site, moved["ws_url"]) == 1 - node_of(site, url)
            assert await one.closed() == MOVED
    async with seated(people):
        assert site.open_sockets(1 - node_of(site, url)) == 2
    async with asyncio.timeout(15):  # without calls of its own it was done at once, and is there again
        while site.children().get(name, draining) == draining:
            await asyncio.sleep(0.2)


def test_a_dead_page_process_is_not_missed(site: RolesServer) -> None:
    killed = site.children()["web 0"]
    os.kill(killed, signal.SIGKILL)
    assert [requests.get(site.base_url + "/healthz", timeout=20).status_code for _ in range(10)] == [200] * 10
    deadline = time.monotonic() + 15
    while site.children().get("web 0", killed) == killed:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_all_end_with_the_supervisor(redis_here: str, tmp_path: Path) -> None:
    for how in (signal.SIGTERM, signal.SIGKILL):
        with start_site(redis_here, tmp_path, "--web", "1", "--rtc", "1") as site:
            children = site.children().values()
            assert len(children) == 2
            assert site.process
            os.kill(site.process.pid, how)
            code = site.process.wait(timeout=10)
            assert code == (0 if how == signal.SIGTERM else -signal.SIGKILL)
            deadline = time.monotonic() + 10
            while any(is_running(pid) for pid in children):
                assert time.monotonic() < deadline
                time.sleep(0.1)


@pytest.mark.parametrize("roles", [("--web", "1", "--rtc", "1"), ("--rtc", "2"), ("--web", "2")])
def test_several_processes_need_redis(roles: tuple[str, ...], tmp_path: Path) -> None:
    environment = {**os.environ, "TELEMED_VAR_DIR": str(tmp_path), "TESTING": "1"}
    environment.pop("REDIS_URL", None)
    done = subprocess.run(
        [sys.executable, "manage.py", "serve", *roles],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("CommandError: More than one process needs Redis")
    assert "Set REDIS_URL" in done.stderr


def is_running(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
