"""A program that listens to a visit, beside its recorder: decoded voice per person (media_routing/runtime/listening.py).

The only one there is now measures how loud everybody is, and is off unless LEVEL_METER is set. It hears with the recorder's
keys and never longer than the recorder: a visible participant, on the media server, with everybody's yes to being recorded.
Besides, everybody must have said yes to the purpose "transcript". A transcriber takes the meter's place here.
"""

from typing import Final

from django.conf import settings

from consultations.consent.models import Purpose
from consultations.rooms.capture import Present, may_capture
from consultations.rooms.facts import RoomFacts
from consultations.rooms.snapshot import admitted_people
from media_routing import api

PURPOSE: Final = Purpose.TRANSCRIPT.value


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
        self._is_wanted = settings.LEVEL_METER and may_capture(PURPOSE, people).ok
        if not self._is_wanted:
            self.close()

    def open(self, service: api.MediaService, code: str, keys: api.RecorderKeys | None, *, may_listen: bool) -> None:
        """Listen, if everybody's yes stands in the database, whose word `may_listen` is. Raises RecorderRefused `no_room`."""
        self._is_wanted = settings.LEVEL_METER and may_listen
        if self.is_due:
            self._engine = service.start_level_meter(code, self._ended, keys)

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
