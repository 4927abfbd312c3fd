"""Turns the facts of one visit into its story: events in order, the way that carried it over time, and how well.

A decision says which route the visit *is to* take; what the browsers report says which way it *took*. While a move is
being made the old way still carries it, so a stretch changes when a browser reports the new one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any, Final

from consultations.rooms.story.facts import Person, Row, Sample, VisitFacts

# Says where the visit would have had to go with one more person. Every other row carries the route that holds.
_HYPOTHETICAL: Final = "admission_refused"
KIND_OF_TRIGGER: Final[Mapping[str, str]] = {
    **dict.fromkeys(("opened", "staff_entered", "admitted", "came_back", "left", "removed"), "people"),
    **dict.fromkeys(("probe", "probe_ended"), "trial"),
    **dict.fromkeys(("asked", "answered"), "question"),
    "trouble": "trouble",
    "admission_refused": "refused",
}
WAYS: Final = ("direct", "relay", "server")
_ENGINE_OF_WAY: Final = {"direct": "p2p", "relay": "p2p", "server": "sfu"}

_OF_A_PATH: Final = frozenset({"connecting", "connected", "lost", "failed"})

GOOD_FROM, FAIR_FROM = 70, 40  # of a score 0 to 100; media-facts: unacceptable is below fair
SAMPLE_S: Final = 10
# Both sides report the same thing a moment apart.
_TOGETHER: Final = timedelta(seconds=10)
# A move that no browser reports by then has not been made.
_MOVE_LIMIT: Final = timedelta(seconds=20)
# One good sample between two bad ones is no recovery.
_CALM: Final = timedelta(seconds=2 * SAMPLE_S)
_SAME_MOMENT: Final = timedelta(seconds=2)
_REMEDIES: Final = ("", "lowered", "audio_first", "audio_only")


@dataclass(frozen=True, slots=True)
class Event:
    """`kind`: people, decided, refused, trial, question, trouble, connected, lost, failed, poor, better or remedy.

    `moved`: the visit is to go another way from now on. `ends`: (person, candidate type here, there, region of the relay they use).
    """

    at: datetime
    kind: str
    trigger: str = ""
    route: str = ""
    moved: bool = False
    reasons: tuple[Mapping[str, Any], ...] = ()
    people: tuple[Person, ...] = ()
    ends: tuple[tuple[Person, str, str, str], ...] = ()
    medium: str = ""
    factor: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Stretch:
    """`way`: waiting, connecting, direct, relay, server, lost or refused."""

    start: datetime
    end: datetime
    way: str

    @property
    def seconds(self) -> float:
        return (self.end - self.start).total_seconds()


@dataclass(frozen=True, slots=True)
class Curve:
    """What one person's page measured: of the path in use, and of paths tried beside it."""

    person: Person
    used: tuple[Sample, ...]
    tried: tuple[Sample, ...]

    @property
    def poor_seconds(self) -> float:
        return sum(
            (end - sample.at).total_seconds() for sample, end in lasting(self.used) if band_of_sample(sample) == "poor"
        )


@dataclass(frozen=True, slots=True)
class Story:
    facts: VisitFacts
    start: datetime
    end: datetime
    events: tuple[Event, ...]
    stretches: tuple[Stretch, ...]
    curves: tuple[Curve, ...]

    @property
    def moves(self) -> int:
        return sum(event.moved for event in self.events)

    def seconds_by_way(self) -> dict[str, float]:
        found: dict[str, float] = {}
        for stretch in self.stretches:
            found[stretch.way] = found.get(stretch.way, 0.0) + stretch.seconds
        return found


def lasting(samples: Sequence[Sample]) -> Iterable[tuple[Sample, datetime]]:
    """Yield each sample with when it ends: after its ten seconds, or sooner where the next one begins."""
    for sample, following in zip_longest(samples, samples[1:]):
        end = sample.at + timedelta(seconds=SAMPLE_S)
        yield sample, min(end, following.at) if following is not None else end


def band(score: int | None) -> str:
    """Return good, fair or poor for a score, '' when nothing was measured."""
    if score is None:
        return ""
    return "good" if score >= GOOD_FROM else "fair" if score >= FAIR_FROM else "poor"


def worse_score(sample: Sample) -> int | None:
    return min((score for score in (sample.audio, sample.video) if score is not None), default=None)


def band_of_sample(sample: Sample) -> str:
    """Return the band of the worse of sound and picture."""
    return band(worse_score(sample))


def build_story(facts: VisitFacts, *, now: datetime) -> Story | None:
    """Return the story as far as it goes at `now`; None while there is nothing to tell, or nothing is kept any more."""
    rows = sorted(facts.rows, key=lambda row: row.at)
    if not rows:
        return None
    samples = sorted(facts.samples, key=lambda sample: sample.at)
    start = rows[0].at
    last = max([rows[-1].at, *(sample.at for sample in samples[-1:])])
    end = max(facts.ended_at, start) if facts.ended_at else max(now, last)
    curves = tuple(_curves(facts.people, [sample for sample in samples if start <= sample.at <= end]))
    events = [*_row_events(facts, rows), *(event for curve in curves for event in _quality_events(curve))]
    return Story(
        facts=facts,
        start=start,
        end=end,
        events=tuple(_said_once(sorted(events, key=lambda event: event.at))),
        stretches=tuple(_stretches(rows, end)),
        curves=curves,
    )


def _row_events(facts: VisitFacts, rows: Sequence[Row]) -> Iterable[Event]:
    people = {person.id: person for person in facts.people}
    decided = ""
    reports: list[Row] = []
    for row in rows:
        if row.trigger.startswith("path."):
            if reports and not _same_report(reports, row):
                yield _report_event(reports, people)
                reports = []
            reports.append(row)
            continue
        kind = KIND_OF_TRIGGER.get(row.trigger, "decided")
        deciding = row.trigger != _HYPOTHETICAL
        yield Event(
            at=row.at,
            kind="refused" if row.refused else kind,
            trigger=row.trigger,
            route=row.route,
            moved=deciding and bool(decided) and row.route != decided and "none" not in {row.route, decided},
            reasons=row.reasons,
            people=_people_of(row, facts.people),
        )
        if deciding:
            decided = row.route
    if reports:
        yield _report_event(reports, people)


def _said_once(events: Iterable[Event]) -> Iterable[Event]:
    """Leave out that somebody is connecting who was connecting already: a browser says it again with every way it tries."""
    last: dict[str, str] = {}
    for event in events:
        if event.kind in _OF_A_PATH:
            if (
                event.kind == "connecting"
                and event.people
                and all(last.get(one.id) == event.kind for one in event.people)
            ):
                continue
            last |= {person.id: event.kind for person in event.people}
        yield event


def _same_report(reports: Sequence[Row], row: Row) -> bool:
    first = reports[0]
    known = {_reporter(report) for report in reports}
    same = (row.trigger, row.route) == (first.trigger, first.route) and row.at - first.at <= _TOGETHER
    return same and _reporter(row) not in known


def _reporter(report: Row) -> str:
    return str(report.reasons[0].get("participant", "")) if report.reasons else ""


def _report_event(reports: Sequence[Row], people: Mapping[str, Person]) -> Event:
    ends = []
    for report in reports:
        if person := people.get(_reporter(report)):
            said = report.reasons[0]
            here, there, region = (str(said.get(name) or "") for name in ("local", "remote", "region"))
            ends.append((person, here, there, region))
    return Event(
        at=reports[0].at,
        kind=reports[0].trigger.removeprefix("path."),
        trigger=reports[0].trigger,
        route=reports[0].route,
        people=tuple(person for person, *_ in ends),
        ends=tuple(ends),
    )


def _people_of(row: Row, people: Iterable[Person]) -> tuple[Person, ...]:
    """Return whom a row is about: who is named in its reasons, else who came or went at that moment."""
    named = {str(value) for reason in row.reasons for value in _values(reason)}
    if found := tuple(person for person in people if person.id in named):
        return found
    if row.trigger in {"admitted", "left", "removed"}:
        moment = "admitted_at" if row.trigger == "admitted" else "left_at"
        return tuple(
            person
            for person in people
            if (then := getattr(person, moment)) is not None and abs(then - row.at) <= _SAME_MOMENT
        )
    return ()


def _values(reason: Mapping[str, Any]) -> Iterable[object]:
    yield reason.get("participant")
    params = reason.get("params")
    if isinstance(params, Mapping):
        yield from params.values()


def _curves(people: Iterable[Person], samples: Sequence[Sample]) -> Iterable[Curve]:
    for person in people:
        own = [sample for sample in samples if sample.person == person.id]
        if own:
            yield Curve(
                person,
                tuple(sample for sample in own if not sample.warm),
                tuple(sample for sample in own if sample.warm),
            )


def _quality_events(curve: Curve) -> Iterable[Event]:
    """When it became poor and when it had been better for a while, and what the person's device did about it."""
    poor_since: datetime | None = None
    better_since: datetime | None = None
    remedy = ""
    for sample in curve.used:
        if _REMEDIES.index(sample.remedy) > _REMEDIES.index(remedy):
            yield Event(sample.at, "remedy", people=(curve.person,), remedy=sample.remedy)
        remedy = sample.remedy
        if band_of_sample(sample) == "poor":
            better_since = None
            if poor_since is None:
                poor_since = sample.at
                medium = "audio" if band(sample.audio) == "poor" else "video"
                factor = sample.audio_factor if medium == "audio" else sample.video_factor
                yield Event(sample.at, "poor", people=(curve.person,), medium=medium, factor=factor)
        elif poor_since is not None and band_of_sample(sample):
            better_since = better_since or sample.at
            if sample.at - better_since >= _CALM:
                yield Event(better_since, "better", people=(curve.person,))
                poor_since = better_since = None


def _stretches(rows: Sequence[Row], end: datetime) -> Iterable[Stretch]:
    way, since = "", rows[0].at
    for at, next_way in _turns(rows):
        at = min(at, end)
        if next_way == way:
            continue
        if way and at > since:
            yield Stretch(since, at, way)
        way, since = next_way, at
    if way and end > since:
        yield Stretch(since, end, way)


def _turns(rows: Sequence[Row]) -> Iterable[tuple[datetime, str]]:
    """Yield (moment, way) whenever the way may have changed."""
    decided, way = "", ""
    deadline: datetime | None = None
    reports: dict[str, tuple[str, str]] = {}
    for row in rows:
        if deadline is not None and row.at >= deadline:
            way, reports = "connecting", {}
            yield deadline, way
            deadline = None
        if row.trigger.startswith("path."):
            reports[_reporter(row)] = (row.trigger.removeprefix("path."), row.route)
            way = _way_of(decided, reports) or way
            if deadline is not None and _ENGINE_OF_WAY.get(way) == decided:
                deadline = None
        elif row.trigger != _HYPOTHETICAL:
            moved, decided = row.route != decided, row.route
            if decided == "none":
                way, reports, deadline = "refused", {}, None
            elif row.trigger in {"left", "removed"} and decided == "p2p":
                way, reports, deadline = "waiting", {}, None
            elif way in WAYS:
                if row.trigger in {"left", "removed"}:  # whose line was broken may be who left
                    reports = {person: said for person, said in reports.items() if said[0] == "connected"}
                deadline = row.at + _MOVE_LIMIT if moved else deadline
            elif way == "" or row.trigger in {"opened", "staff_entered"}:
                way = "waiting"
            elif moved or way == "refused" or row.trigger in {"admitted", "came_back"}:
                way, reports = "connecting", {}
        yield row.at, way
    if deadline is not None:
        yield deadline, "connecting"


def _way_of(decided: str, reports: Mapping[str, tuple[str, str]]) -> str:
    """Return the way that the reports tell of, '' when they do not say.

    Once somebody is connected the decided way, what others said of the way before is past. Between two people one lost
    end is a lost path; on the server one person's loss is theirs alone.
    """
    connected = [way for state, way in reports.values() if state == "connected"]
    arrived = [way for way in connected if _ENGINE_OF_WAY.get(way) == decided]
    broken = any(
        state in {"lost", "failed"} and _ENGINE_OF_WAY.get(way, decided) == decided for state, way in reports.values()
    )
    if broken and (not connected or (arrived and decided == "p2p")):
        return "lost"
    return next((way for way in ("server", "relay", "direct") if way in (arrived or connected)), "")
