"""The recorders of this process. The visit says in the database what shall be; this makes it so, and stops before it asks.

    visit read anew ──▶ follow ──▶ nobody may be recorded ──▶ Run.hold: the tap is closed in this very turn of the loop
                                └▶ everybody said yes ──────▶ the database is asked once more, then begin or go on
    a withdrawal, an admission, an offer of somebody new ───▶ hold first, then act; `release` asks what the outcome was

A program that listens (listener.py) has no life of its own: it opens and closes with the recorder, by the same word.

Opening needs the database's word that is younger than the last reason to close (`Run.closings`); closing needs nobody's.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async
from django.db import DatabaseError

from consultations.rooms.encryption import REQUIRED, frame_encryption
from consultations.rooms.facts import RoomFacts
from consultations.rooms.media import media_service
from consultations.rooms.recorder.listener import Listener
from consultations.rooms.recorder.port import RecordedFile, Terms, recordings
from consultations.rooms.snapshot import admitted_people, recorder_page
from consultations.rooms.sweeper import sweeper
from media_routing import api

logger = logging.getLogger(__name__)

# Of one letter of keys; a page has a card and a key to say.
MOST_ITEMS: Final = 8
# How long a recorder waits for people to arrive on the media server, which they enter for its sake.
ARRIVE_WITHIN_S: Final = 30.0
_FAILURES: Final = {"disk_full": "disk_full", "no_room": "unreached"}
# Ends that somebody wanted: whose reason is in the row already.
_WANTED: Final = frozenset({"asked"})


@dataclass(eq=False)
class Run:
    """One recording in this process. `engine` is None until people are on the media server."""

    code: str
    page: str
    began_s: float
    keys: api.RecorderKeys | None = None
    engine: api.Recording | None = None
    # Who may be recorded: everybody who was inside when everybody had said yes.
    covered: frozenset[str] = frozenset()
    # Grows with every reason to close.
    closings: int = 0
    # Actions under way that may end it: nothing opens meanwhile.
    blocks: int = 0
    is_opening: bool = False
    is_over: bool = False
    listener: Listener = field(default_factory=Listener)

    def hold(self) -> None:
        """Nothing that arrives from now on is written, or heard by a program."""
        self.closings += 1
        self.covered = frozenset()
        self.listener.close()
        if self.engine is not None:
            self.engine.hold()

    def lose_keys(self) -> None:
        """Nothing can be opened any more. Pages wrap new keys when they see the recorder again."""
        if self.keys is not None:
            self.keys.drop_all()


class RecorderDesk:
    """One per event loop; looked at by the sweeper like a socket, while there is a recording."""

    is_closed = False

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    # --- What the sockets tell ----------------------------------------------------------------------------------------

    def follow(self, facts: RoomFacts) -> None:
        """The room was read: close at once what may not be, and look into what may."""
        run = self._runs.get(facts.code)
        page = recorder_page(facts)
        if run is not None and run.page != page:
            run.hold()
            run.lose_keys()
            if facts.recording is None or facts.recording.page != run.page:
                self._end(run)
                run = None
        if page is None:
            return
        if run is None:
            run = self._add(Run(facts.code, page, time.monotonic()))
            if frame_encryption(facts.people) == REQUIRED:
                run.keys = api.RecorderKeys(facts.code, page)
        inside = frozenset(person.id for person in admitted_people(facts))
        if run.covered and inside != run.covered:
            run.hold()
        if run.keys is not None and run.engine is None:
            run.covered = inside  # keys may come before the media server does
        run.listener.follow(facts)
        self._look_into(run)

    @contextlib.contextmanager
    def closed(self, code: str) -> Iterator[None]:
        """Keep this visit's tap closed while something is done that may end the recording."""
        run = self._runs.get(code)
        if run is None:
            yield
            return
        run.hold()
        run.blocks += 1
        try:
            yield
        finally:
            run.blocks -= 1
            self._look_into(run)

    def before_join(self, code: str, participant_id: str) -> None:
        """Somebody's media are about to come in: not into a recording that they have not agreed to."""
        run = self._runs.get(code)
        if run is not None and participant_id not in run.covered:
            run.hold()

    def joined(self, code: str) -> None:
        """There is somebody on the media server: what waited for them may begin."""
        run = self._runs.get(code)
        if run is not None:
            self._look_into(run)

    def take_keys(self, code: str, participant_id: str, page: str, body: Mapping[str, object]) -> list[dict[str, Any]]:
        """Hand a page's word about its keys to the recorder; return what it answers."""
        run = self._runs.get(code)
        if run is None or run.keys is None or participant_id not in run.covered:
            return []
        items = body.get("items")
        answers: list[dict[str, Any]] = []
        for item in items[:MOST_ITEMS] if isinstance(items, list) else ():
            if not isinstance(item, dict) or item.get("to_page", run.page) != run.page:
                continue  # for a recorder that is gone
            try:
                found = run.keys.receive(participant_id, page, item)
            except api.KeyRefused:
                continue
            answers += [{**answer, "from_page": run.page, "to_page": page} for answer in found]
        return answers

    # --- What the sweeper asks ----------------------------------------------------------------------------------------

    def question(self) -> list[str]:
        return [run.page for run in self._runs.values()]

    @staticmethod
    def answer_all(questions: Sequence[list[str]]) -> list[list[str] | None]:
        """Return of each process's recordings those that may not run. Also says that the others are alive."""
        return [recordings().keep_alive(pages) or None for pages in questions]

    def hear(self, answer: list[str]) -> None:
        for run in list(self._runs.values()):
            if run.page in answer:
                run.hold()
                self._spawn(self._end_if_over(run))
        for run in list(self._runs.values()):
            self._look_into(run)

    def give_up(self) -> None:
        """Nobody can be asked whether everybody still agrees: no recording without that (REL-7)."""
        for run in self._runs.values():
            run.hold()

    async def finish(self) -> None:
        """The media server is closed, and every recorder with it: wait until what they left is stored."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- Opening ------------------------------------------------------------------------------------------------------

    def _look_into(self, run: Run) -> None:
        running = run.engine is not None and run.engine.state == "running" and not run.listener.is_due
        if not run.is_over and not run.blocks and not run.is_opening and not running:
            run.is_opening = True
            self._spawn(self._open(run))

    async def _open(self, run: Run) -> None:
        """Begin or go on, if the database says so and nothing happened since it was asked."""
        again = False
        try:
            closings = run.closings
            terms = await database_sync_to_async(recordings().terms)(run.page)
            if run.is_over or run.blocks or terms is None:
                return
            if run.closings != closings:
                again = True
                return
            await self._open_now(run, terms, closings)
        except DatabaseError as error:
            logger.error("a recording could not be looked up: %s", type(error).__name__)
        finally:
            run.is_opening = False
            if again:
                self._look_into(run)

    async def _open_now(self, run: Run, terms: Terms, closings: int) -> None:
        service = await media_service()
        if run.closings != closings:
            return
        try:
            if run.engine is None:
                run.engine = service.start_recording(
                    run.code, terms.folder, terms.key, on_event=self._listener(run), keys=run.keys
                )
            else:
                run.engine.go_on()
            run.covered = terms.people
            run.listener.open(service, run.code, run.keys, may_listen=terms.may_listen)
        except api.RecorderRefused as refused:
            if refused.code == "stopped":  # by itself, and the listener has heard why
                return
            if refused.code != "no_room":
                self._fail(run, _FAILURES.get(refused.code, "engine"))
            elif run.engine is None and time.monotonic() - run.began_s > ARRIVE_WITHIN_S:
                self._fail(run, "unreached")

    # --- Ending -------------------------------------------------------------------------------------------------------

    def _listener(self, run: Run) -> Callable[[api.RecorderEvent], None]:
        def hear(event: api.RecorderEvent) -> None:
            if event.state == "stopped":
                failure = "" if event.reason in _WANTED else _FAILURES.get(event.reason, "engine")
                tracks = event.manifest.tracks if event.manifest else ()
                files = [RecordedFile(track.participant, track.source, track.file) for track in tracks]
                self._forget(run)
                self._spawn(self._report(run.page, files, failure))

        return hear

    def _end(self, run: Run) -> None:
        if run.is_over:
            return
        run.is_over = True
        run.hold()
        run.lose_keys()
        if run.engine is not None:
            self._spawn(self._stop(run.engine))
        else:
            self._forget(run)
            self._spawn(self._report(run.page, [], ""))

    async def _end_if_over(self, run: Run) -> None:
        if not await database_sync_to_async(recordings().is_active)(run.page):
            self._end(run)

    def _fail(self, run: Run, failure: str) -> None:
        run.is_over = True
        self._forget(run)
        self._spawn(self._report(run.page, [], failure))

    async def _stop(self, engine: api.Recording) -> None:
        await engine.stop()

    async def _report(self, page: str, files: list[RecordedFile], failure: str) -> None:
        try:
            await database_sync_to_async(recordings().ended)(page, files, failure=failure)
        except DatabaseError as error:  # the files are there: found at the next start, or by the job
            logger.error("the end of a recording could not be stored: %s", type(error).__name__)

    def _add(self, run: Run) -> Run:
        self._runs[run.code] = run
        sweeper().add(self)
        return run

    def _forget(self, run: Run) -> None:
        if self._runs.get(run.code) is run:
            del self._runs[run.code]
        if not self._runs:
            sweeper().remove(self)

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


_desks: WeakKeyDictionary[asyncio.AbstractEventLoop, RecorderDesk] = WeakKeyDictionary()


def recorder_desk() -> RecorderDesk:
    """Return the desk of the running loop."""
    return _desks.setdefault(asyncio.get_running_loop(), RecorderDesk())
