"""REL-3 through HTTP: 200 people want one slot, one gets it. A real server process, once per database."""

import re
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import psycopg
import pytest

from tests.e2e.server import AppServer, zone_before_noon
from tests.postgres import private_postgres

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]
CROWD = 200


class Desk:
    """The demo's practitioner, as seen by a program: one session, any number of connections."""

    def __init__(self, server: AppServer) -> None:
        self.port = server.port
        self.cookies: dict[str, str] = {}
        path, _, secret = server.practitioner_url.partition("/demo/")[2].partition("#")
        page = self.get(f"/demo/{path}")
        status, _ = self.post(f"/demo/{path}", {"secret": secret, "csrfmiddlewaretoken": _csrf(page)}, keep=True)
        assert status == 302
        form = self.get("/appointments/new/")
        self.token = _csrf(form)
        self.practitioner = re.search(r'name="practitioner".*?<option value="(\w+)"', form, re.S)[1]
        self.zone = re.search(r'name="zone".*?value="([^"]+)"', form, re.S)[1]
        self.visit_type = re.search(r'name="visit_type".*?<option value="(\w+)"', form, re.S)[1]

    def get(self, path: str) -> str:
        connection = HTTPConnection("localhost", self.port, timeout=60)
        connection.request("GET", path, headers=self._headers())
        response = connection.getresponse()
        self._keep(response)
        assert response.status == 200, response.status
        return response.read().decode()

    def post(
        self, path: str, fields: dict[str, str], *, keep: bool = False, accept: str = "text/html"
    ) -> tuple[int, str]:
        connection = HTTPConnection("localhost", self.port, timeout=120)
        headers = {**self._headers(), "Content-Type": "application/x-www-form-urlencoded", "Accept": accept}
        connection.request("POST", path, urlencode(fields), headers)
        response = connection.getresponse()
        if keep:
            self._keep(response)
        return response.status, response.read().decode()

    def booking(self, number: int, starts_at: datetime) -> dict[str, str]:
        return {
            "csrfmiddlewaretoken": self.token,
            "name": f"Person {number}",
            "contact": f"person{number}@demo.invalid",
            "language": "en",
            "practitioner": self.practitioner,
            "visit_type": self.visit_type,
            "date": f"{starts_at:%Y-%m-%d}",
            "time": f"{starts_at:%H:%M}",
            "zone": self.zone,
        }

    def book(self, number: int, starts_at: datetime) -> str:
        """Book and return the appointment's public id."""
        status, body = self.post("/appointments/new/", self.booking(number, starts_at), accept="application/json")
        assert status == 201, body
        return re.search(r'"appointment": "(\w+)"', body)[1]

    def _headers(self) -> dict[str, str]:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {"Cookie": cookies, "Origin": f"http://localhost:{self.port}", "Accept": "text/html"}

    def _keep(self, response: object) -> None:
        for header in response.headers.get_all("Set-Cookie") or []:
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(header).items()}


def _csrf(page: str) -> str:
    return re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def desk(request: pytest.FixtureRequest) -> Iterator[Desk]:
    environment = {"LOG_LEVEL": "ERROR"}
    if request.param == "postgresql":
        environment |= {"DEMO": "1", "DATABASE_URL": private_postgres()}
    with AppServer(**environment) as server:
        desk = Desk(server)
        desk.database_url = environment.get("DATABASE_URL", f"sqlite://{server.var_directory / 'demo.sqlite3'}")
        yield desk


def _all_at_once(count: int, act: object) -> list[tuple[int, str]]:
    """Run act(0) … act(count - 1), each in a thread of its own that waits for all others before it starts."""
    ready = threading.Barrier(count)

    def one(number: int) -> tuple[int, str]:
        ready.wait()
        return act(number)

    with ThreadPoolExecutor(count) as crowd:
        return list(crowd.map(one, range(count)))


def _in_days(days: int, hour: int) -> datetime:
    tomorrow = datetime.now(ZoneInfo(zone_before_noon())) + timedelta(days=days)
    return tomorrow.replace(hour=hour, minute=0, second=0, microsecond=0)


def _count(url: str, sql: str) -> int:
    if url.startswith("postgresql"):
        with psycopg.connect(url) as connection:
            return connection.execute(sql).fetchone()[0]
    import sqlite3

    with sqlite3.connect(url.removeprefix("sqlite://")) as connection:
        return connection.execute(sql).fetchone()[0]


def test_of_200_concurrent_bookings_of_one_slot_one_wins_and_199_get_a_409(desk: Desk) -> None:
    slot = _in_days(3, 10)
    answers = _all_at_once(CROWD, lambda number: desk.post("/appointments/new/", desk.booking(number, slot)))
    assert Counter(status for status, _ in answers) == {302: 1, 409: CROWD - 1}
    assert all("overlaps with another visit" in body for status, body in answers if status == 409)
    # The losers left nothing behind: no patient, no room, no link, no message.
    assert _count(desk.database_url, "SELECT count(*) FROM patients_patient WHERE name LIKE 'Person %'") == 1


def test_bookings_that_overlap_by_the_buffer_alone_win_once_too(desk: Desk) -> None:
    slot = _in_days(4, 10)
    # 20 minutes and a buffer of 5: 10:00 and 10:20 clash, 10:25 does not.
    offsets = (0, 20)
    answers = _all_at_once(
        20,
        lambda number: desk.post(
            "/appointments/new/",
            desk.booking(1000 + number, slot + timedelta(minutes=offsets[number % 2])),
            accept="application/json",
        ),
    )
    assert Counter(status for status, _ in answers) == {201: 1, 409: 19}
    # Control: the first free minute after whichever won can be booked.
    desk.book(1100, slot + timedelta(minutes=45))


def test_of_concurrent_moves_into_one_slot_one_wins(desk: Desk) -> None:
    slot = _in_days(6, 10)
    visits = [desk.book(2000 + number, _in_days(7 + number // 10, 8 + number % 10)) for number in range(20)]

    def move(number: int) -> tuple[int, str]:
        fields = {
            key: value
            for key, value in desk.booking(0, slot).items()
            if key in {"csrfmiddlewaretoken", "date", "time", "zone"}
        }
        return desk.post(f"/appointments/{visits[number]}/reschedule/", fields)

    answers = _all_at_once(len(visits), move)
    assert Counter(status for status, _ in answers) == {302: 1, 409: len(visits) - 1}
