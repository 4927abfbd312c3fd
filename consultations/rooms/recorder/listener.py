"""A program that listens to a visit, beside its recorder: decoded voice per person (media_routing/runtime/listening.py).

None does unless LISTENING_PROGRAM names it. It hears with the recorder's keys and never longer than the recorder: a visible
participant, on the media server, with everybody's yes to being recorded. Besides, everybody must have said yes to the purpose
"transcript". The only program there is now measures how loud everybody is; a transcriber gets its own line in PROGRAMS.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.conf import settings

from consultations.consent.models import Purpose
from consultations.rooms.capture import Present, may_capture
from consultations.rooms.facts import RoomFacts
from consultations.rooms.snapshot import admitted_people
from media_routing import api

PURPOSE: Final = Purpose.TRANSCRIPT.value


def _level_meter(
    service: api.MediaService, code: str, on_end: Callable[[str], None], keys: api.RecorderKeys | None
) -> api.Listening:
    return service.start_level_meter(code, on_end, keys)


# By the name in LISTENING_PROGRAM. Each needs its row in tests/matrix/kbv_table.py.
PROGRAMS: Final = {"level_meter": _level_meter}


class Listener:
    """Of one recording."""

    def __init__(self) -> None:
        self._engine: api.Listening | None = None
        self._is_wanted = False
        # It does not come back by itself after a fault of its own.
        self._has_failed = False

    @property
    def is_due(self) -> bool:
        """Everybody said yes when the room was last read, and it does not listen."""
        return self._is_wanted and self._engine is None and not self._has_failed

    def follow(self, facts: RoomFacts) -> None:
        """The room was read: close at once what may not be."""
        people = [Present(person.id, person.consents) for person in admitted_people(facts)]
        self._is_wanted = bool(settings.LISTENING_PROGRAM) and may_capture(PURPOSE, people).ok
        if not self._is_wanted:
            self.close()

    def open(self, service: api.MediaService, code: str, keys: api.RecorderKeys | None, *, may_listen: bool) -> None:
        """Listen, if everybody's yes stands in the database, whose word `may_listen` is. Raises RecorderRefused `no_room`."""
        self._is_wanted = bool(settings.LISTENING_PROGRAM) and may_listen
        if self.is_due:
            self._engine = PROGRAMS[settings.LISTENING_PROGRAM](service, code, self._ended, keys)

    def close(self) -> None:
        """Nothing that arrives from now on is heard."""
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.stop()

    def _ended(self, reason: str) -> None:
        if reason == "fault":
            self._has_failed = True
        if reason != "asked":
            self._engine = None
