"""Many visits' stories as the clinic's numbers: what works, on which way, network and device."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from consultations.rooms.story.facts import VisitFacts
from consultations.rooms.story.timeline import WAYS, Story, build_story

# How a finished visit is said to have ended when it did not work.
NOT_COMPLETED: Final = frozenset({"", "technical", "not_reached"})
SEVERAL: Final = "several"
# The patient's end, the farthest that was needed first.
_NETWORKS: Final = (("relay", {"relay"}), ("internet", {"srflx", "prflx"}), ("same", {"host"}))


@dataclass(frozen=True, slots=True)
class Ended:
    """A visit that is over. `device` of its patient; `alone`: nobody was ever let in."""

    facts: VisitFacts
    outcome: str
    device: str = ""
    alone: bool = False


@dataclass(slots=True)
class Share:
    completed: int = 0
    begun: int = 0

    @property
    def ratio(self) -> float:
        return self.completed / self.begun if self.begun else 0.0


@dataclass(slots=True)
class Numbers:
    """`moves`, by route, and `refused`: by the code of the decisive reason."""

    all: Share = field(default_factory=Share)
    by_route: dict[str, Share] = field(default_factory=dict)
    by_network: dict[str, Share] = field(default_factory=dict)
    by_device: dict[str, Share] = field(default_factory=dict)
    moves: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    never_connected: int = 0

    @property
    def failed_joins(self) -> int:
        return self.never_connected + sum(self.refused.values())


def count(visits: Iterable[Ended], *, now: datetime) -> Numbers:
    """Return the numbers of these visits. A visit has begun when somebody was let in; the others count only as refused."""
    numbers = Numbers()
    for visit in visits:
        story = build_story(visit.facts, now=now)
        if story is None:
            continue
        for event in story.events:
            if event.kind == "refused" and event.reasons:
                numbers.refused[str(event.reasons[0].get("code", ""))] += 1
        if not visit.alone:
            _count_begun(numbers, visit, story)
    return numbers


def _count_begun(numbers: Numbers, visit: Ended, story: Story) -> None:
    seconds = {way: length for way, length in story.seconds_by_way().items() if way in WAYS}
    completed = bool(seconds) and visit.outcome not in NOT_COMPLETED
    route = SEVERAL if len(seconds) > 1 else next(iter(seconds), "")
    groups = ((numbers.by_route, route), (numbers.by_network, _network(story)), (numbers.by_device, visit.device))
    for share in (numbers.all, *(table.setdefault(key, Share()) for table, key in groups)):
        share.begun += 1
        share.completed += completed
    for event in story.events:
        if event.moved and event.reasons:
            # Back on the direct way it is one to one again; what moved it is that the way is good again.
            why = event.trigger if event.trigger == "recovered" else str(event.reasons[0].get("code", ""))
            numbers.moves[event.route, why] += 1
    numbers.never_connected += sum(_never_connected(story))


def _network(story: Story) -> str:
    """Return how far the patient's end had to reach: same, internet or relay; '' when nobody told."""
    types = {
        here
        for event in story.events
        if event.kind == "connected"
        for person, here, *_ in event.ends
        if person.role == "patient"
    }
    return next((name for name, wanted in _NETWORKS if types & wanted), "")


def _never_connected(story: Story) -> Iterable[bool]:
    """Yield for each person who was let in, with somebody to meet, whether their device never reported a connection."""
    let_in = [person for person in story.facts.people if person.admitted_at is not None]
    connected = {person.id for event in story.events if event.kind == "connected" for person in event.people}
    if len(let_in) > 1:
        yield from (person.id not in connected for person in let_in)
