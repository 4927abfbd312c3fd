"""What a visit asks of the recordings app, which comes after it and registers itself. Without it nothing is recorded."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from consultations.rooms.models import Participant, Room
from consultations.rooms.refusals import Refused
from telemed.accounts.models import User


@dataclass(frozen=True, slots=True)
class RecordingFacts:
    """A recording that is asked for or goes on. `page`: the recorder's name in the key exchange, fresh for each recording."""

    page: str
    state: Literal["requested", "running", "held"]
    asked_at: datetime
    since: datetime


@dataclass(frozen=True, slots=True)
class Terms:
    """Where a recorder writes, with which key, and whom: everybody who is inside, all of whom said yes. `may_listen`: and
    all of whom said yes to a program that listens, too."""

    folder: Path
    people: frozenset[str]
    key: bytes = field(repr=False)
    may_listen: bool = False


@dataclass(frozen=True, slots=True)
class RecordedFile:
    """One sealed file of the recorder: one person's sound or picture."""

    person: str
    source: str
    name: str


class RecordingPort(Protocol):
    """All but `terms` and `ended` run inside the transaction, and the lock on the room, of what caused them."""

    available: bool

    def find_active(self, room_pk: int) -> RecordingFacts | None:
        """Return what is asked for or goes on in this visit. One query."""

    def goes_on(self, room_pk: int) -> bool:
        """Return whether a recording runs or is paused: then the media go through the server. One query."""

    def settle(self, room: Room) -> bool:
        """Somebody came, left or changed their mind, or the visit ended: begin, pause or stop. Return whether it did."""

    def asked_afterwards(self, room: Room, person: str) -> frozenset[str]:
        """Return the purposes that this person is asked about when the visit is over, such as one file of everybody."""

    def withdraw(self, room: Room, person: str, purpose: str) -> None:
        """This person took a yes back: what was captured of them so far is not to be kept."""

    def request(self, seat: Participant, *, acting_user: User) -> None:
        """Ask everybody who is inside. Raises Refused."""

    def stop(self, seat: Participant, *, acting_user: User) -> None:
        """End it, or take the question back. Ending what has ended changes nothing."""

    def terms(self, page: str) -> Terms | None:
        """Return where to write, None unless this recording may run now: read anew, consents and all."""

    def is_active(self, page: str) -> bool:
        """Return whether this recording may still go on one day, running or paused."""

    def keep_alive(self, pages: Sequence[str]) -> list[str]:
        """Note that these recordings have a recorder, and return those that may not run now. No transaction needed."""

    def ended(self, page: str, files: Sequence[RecordedFile], *, failure: str) -> None:
        """The recorder has closed its files. `failure`: '' or why it ended by itself (disk_full, engine, unreached)."""


class NoRecordings:
    """The port of an installation without the recordings app."""

    available = False

    def find_active(self, room_pk: int) -> None:
        return None

    def goes_on(self, room_pk: int) -> bool:
        return False

    def settle(self, room: Room) -> bool:
        return False

    def asked_afterwards(self, room: Room, person: str) -> frozenset[str]:
        return frozenset()

    def withdraw(self, room: Room, person: str, purpose: str) -> None:
        return None

    def request(self, seat: Participant, *, acting_user: User) -> None:
        raise Refused("not_allowed", status=403)

    def stop(self, seat: Participant, *, acting_user: User) -> None:
        return None

    def terms(self, page: str) -> None:
        return None

    def is_active(self, page: str) -> bool:
        return False

    def keep_alive(self, pages: Sequence[str]) -> list[str]:
        return list(pages)

    def ended(self, page: str, files: Collection[RecordedFile], *, failure: str) -> None:
        return None


_registered: list[RecordingPort] = [NoRecordings()]


def register(port: RecordingPort) -> None:
    """Put `port` in place of the one that was there; called from AppConfig.ready()."""
    _registered[0] = port


def recordings() -> RecordingPort:
    return _registered[0]
