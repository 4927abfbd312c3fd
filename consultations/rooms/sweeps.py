"""What a sweep asks for many sockets at once: the same rights as `tickets.examine`, in a handful of queries.

Runs in the database thread. An answer is None (all as it was), a NoEntry (close), or what changed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from consultations.clinics.access import clinics_of
from consultations.rooms.actions.seats import note_uses
from consultations.rooms.desk import Desk, View
from consultations.rooms.models import Participant, Room, SeatDevice
from consultations.rooms.nodes.pins import moved_rooms
from consultations.rooms.presence import mark_all_present, present_pages
from consultations.rooms.signaling import CLOSE_NOT_SIGNED_IN
from consultations.rooms.tickets import NoEntry, Standing, Ticket, examine_all, staff_user
from telemed.accounts.models import User

Clinics = frozenset[str]


@dataclass(frozen=True, eq=False)
class VisitQuestion:
    """`pinged`: since the last sweep, by the device that holds the seat. `is_stale`: this process knows that the view is old."""

    desk: Desk
    view: View | None
    page: str
    pinged: bool
    is_stale: bool = False

    @property
    def ticket(self) -> Ticket:
        return self.desk.ticket


@dataclass(frozen=True)
class Moved:
    """The visit is served elsewhere from now on; `url` is that rtc process's."""

    url: str


@dataclass(frozen=True)
class DayQuestion:
    session_key: str
    clinic_ids: Clinics


def answer_visits(questions: Sequence[VisitQuestion]) -> list[NoEntry | Moved | bool | None]:
    """True: the view is outdated. Pings since the last sweep are noted: present, and in use."""
    standings = examine_all([question.ticket for question in questions])
    pairs = list(zip(questions, standings, strict=True))
    _note_pings([(question, standing) for question, standing in pairs if question.pinged])
    pages = present_pages({seat for question in questions for seat in _others(question)})
    moved = moved_rooms({question.ticket.participant.room_id for question in questions})
    answers: list[NoEntry | Moved | bool | None] = []
    for question, standing in pairs:
        if isinstance(standing, NoEntry):
            answers.append(standing)
        elif url := moved.get(question.ticket.participant.room_id):
            answers.append(Moved(url))
        else:
            answers.append(_is_outdated(question, standing, pages) or None)
    return answers


def answer_legs(questions: Sequence[Sequence[tuple[str, Ticket]]]) -> list[list[Ticket] | None]:
    """Return of each process's media legs those whose person may not be inside any more. One query more than for sockets."""
    tickets = [ticket for legs in questions for _, ticket in legs]
    standings = dict(zip(map(id, tickets), examine_all(tickets), strict=True))
    inside = set(
        Participant.objects.filter(
            pk__in=[ticket.participant.pk for ticket in tickets],
            state=Participant.State.ADMITTED,
            room__state=Room.State.LIVE,
            # On a visit between two, a leg may be tried, or be the last to close: its process knows (switch_desk.py).
            room__route__in=["sfu", "p2p"],
        ).values_list("pk", flat=True)
    )

    def holds(ticket: Ticket) -> bool:
        standing = standings[id(ticket)]
        active = isinstance(standing, Standing) and standing.device_state == SeatDevice.State.ACTIVE
        return active and ticket.participant.pk in inside

    return [[ticket for _, ticket in legs if not holds(ticket)] or None for legs in questions]


def answer_days(questions: Sequence[DayQuestion]) -> list[NoEntry | Clinics | None]:
    """Return the clinics whose day the user may see now, where they are not those of the question."""
    known: dict[str, NoEntry | Clinics] = {}
    answers: list[NoEntry | Clinics | None] = []
    for question in questions:
        key = question.session_key
        if key not in known:
            user = staff_user(key)
            known[key] = clinic_ids(user) if user else NoEntry(CLOSE_NOT_SIGNED_IN)
        answers.append(None if known[key] == question.clinic_ids else known[key])
    return answers


def clinic_ids(user: User) -> Clinics:
    """Return whose days the user may see. One query."""
    return frozenset(clinics_of(user).values_list("public_id", flat=True))


def _others(question: VisitQuestion) -> Iterable[str]:
    if question.view is None:
        return ()
    return (person.id for person in question.view.facts.people if person.id != question.ticket.participant_id)


def _is_outdated(question: VisitQuestion, standing: Standing, pages: dict[str, str]) -> bool:
    view = question.view
    if view is None:  # hello will read it; only the ticket had to hold
        return False
    if question.is_stale or standing.revision != view.revision or standing.device_state != view.device_state:
        return True
    return any(pages.get(seat, "") != view.facts.person(seat).page for seat in _others(question))


def _note_pings(pairs: Sequence[tuple[VisitQuestion, Standing | NoEntry]]) -> None:
    pinged = {question: standing for question, standing in pairs if isinstance(standing, Standing)}
    note_uses(
        {
            question.ticket.device_pk: standing.last_used_at
            for question, standing in pinged.items()
            if question.ticket.device_pk is not None and standing.last_used_at is not None
        }
    )
    news = mark_all_present({question.ticket.participant_id: question.page for question in pinged})
    for question in pinged:
        if question.view is not None and question.ticket.participant_id in news:
            question.desk.tell_who_sees_me(question.view)
