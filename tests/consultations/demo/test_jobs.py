"""`manage.py demo` keeps server and jobs running: one command, one Ctrl+C, and whoever dies comes back (REL-2)."""

import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.server import AppServer

# A finished recording of two, everybody agreed to the film, and the job's message sent while no worker is there.
QUEUE_A_FILM = """
import base64
from datetime import timedelta
from django.utils import timezone
from consultations.consent.actions import record_decision
from consultations.consent.access import current_text
from consultations.recordings import storage
from consultations.recordings.actions import filming
from consultations.recordings.models import Film, Recording, Track
from consultations.rooms.models import Participant, Room
from media_routing import api
from telemed.accounts.models import User
from tests.media_routing.runtime.recorded import make_track, seal_to

room = Room.objects.filter(participants__role="patient", participants__user=None).first()
user = User.objects.filter(memberships__clinic=room.appointment.clinic).first()
now, key, plain = timezone.now(), api.new_key(), make_track(2000)
recording = Recording.objects.create(room=room, requested_by=user, state="complete", requested_at=now, started_at=now,
    changed_at=now, ended_at=now, finished_at=now, wrapped_key=base64.b64encode(key).decode())
people = [seat.public_id for seat in room.participants.all()][:1]
people.append(Participant.objects.create(room=room, role="relative", name="Rita", state="left").public_id)
for person in people:
    track = Track.objects.create(recording=recording, person=person, file_name=person + "-1.webm.sealed", duration_ms=2000)
    seal_to(storage.path_of(track), plain, key)
    record_decision(room.appointment, text=current_text("combined", ["en"]), decision="granted", capacity="self", acting_seat=person)
filming.request_film(recording, acting_user=user)
print(Film.objects.get().state)
"""


def children(pid: int) -> dict[int, str]:
    """pid -> command line of the processes that `pid` started."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                if parent == pid:
                    found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except (FileNotFoundError, ProcessLookupError):
                continue
    return found


def wait_for(ask: Callable[[], Any], *, within_s: float, what: str) -> Any:
    until = time.monotonic() + within_s
    while not (found := ask()):
        assert time.monotonic() < until, what
        time.sleep(0.1)
    return found


@pytest.fixture
def demo() -> Iterator[AppServer]:
    with AppServer(JOBS="worker") as server:
        yield server


def test_it_keeps_server_and_jobs_running_and_ends_them_all(demo: AppServer) -> None:
    assert demo.process is not None
    parent = demo.process.pid

    def pid_of(words: str) -> int:
        return next((pid for pid, line in children(parent).items() if words in line), 0)

    def film() -> tuple[str, int] | None:
        with sqlite3.connect(f"file:{demo.var_directory / 'demo.sqlite3'}?mode=ro", uri=True) as database:
            row: tuple[str, int] | None = database.execute("SELECT state, size_bytes FROM recordings_film").fetchone()
        return row

    names = ("manage.py serve", "telemed.celery worker", "telemed.celery beat")
    first = {name: wait_for(lambda name=name: pid_of(name), within_s=20, what=name) for name in names}
    for name in ("telemed.celery worker", "manage.py serve"):
        os.kill(first[name], signal.SIGKILL)
    assert demo.run(QUEUE_A_FILM).strip() == "queued"
    for name in ("telemed.celery worker", "manage.py serve"):
        again = wait_for(lambda name=name: pid_of(name), within_s=20, what=f"another {name}")
        assert again != first[name]
    assert pid_of("telemed.celery beat") == first["telemed.celery beat"], "only who died is started"
    wait_for(lambda: (film() or ("",))[0] == "done", within_s=30, what="the film")
    assert film()[1] > 1000  # type: ignore[index]

    everybody = set(children(parent))
    os.kill(parent, signal.SIGINT)
    assert demo.process.wait(15) == 0
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in everybody), within_s=5, what="the end of all")


@pytest.mark.soak
def test_who_is_left_without_the_supervisor_ends_too(demo: AppServer) -> None:
    assert demo.process is not None
    parent = demo.process.pid
    everybody = set(wait_for(lambda: len(found := children(parent)) == 3 and found, within_s=20, what="three children"))
    demo.kill()
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in everybody), within_s=20, what="the end of all")
