"""A story in a few sentences, its events as a list, and its quality as a table: the same content as the drawing, to be read or heard."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from consultations.rooms.story.facts import Sample
from consultations.rooms.story.timeline import SAMPLE_S, WAYS, Curve, Story, band, band_of_sample, lasting
from consultations.rooms.story.words import BANDS, FACTORS, clock, headline, name_of, way_inside, why


@dataclass(frozen=True, slots=True)
class Span:
    """How well it went for one person while nothing changed."""

    start: datetime
    end: datetime
    name: str
    sound: str
    picture: str
    reason: str


@dataclass(frozen=True, slots=True)
class Told:
    """One event as a reader gets it: its number in the drawing, when on the reader's clock, what, and why."""

    number: int
    time: str
    headline: str
    why: list[str]
    kind: str
    moved: bool


def tell(story: Story, zone: ZoneInfo) -> list[Told]:
    """Return the events as a list. What held before and still holds is not said again."""
    told, known = [], set[str]()
    for number, event in enumerate(story.events, 1):
        sentences = why(event)
        fresh = [sentence for index, sentence in enumerate(sentences) if index == 0 or sentence not in known]
        known.update(sentences[1:])
        told.append(Told(number, clock(event.at, zone), headline(event), fresh, event.kind, event.moved))
    return told


def summarise(story: Story) -> list[str]:
    """Return what a person would say about this visit's connection, in a few sentences."""
    seconds = story.seconds_by_way()
    connected = sum(seconds.get(way, 0.0) for way in WAYS)
    if not connected:
        return [_("Nobody's device reported a connection in this visit.")]
    ways = [way for way in WAYS if seconds.get(way)]
    if len(ways) == 1:
        sentences = [
            _("Connected for {duration}, {way}.").format(duration=duration(connected), way=way_inside(ways[0]))
        ]
    else:
        parts = ", ".join(f"{duration(seconds[way])} {way_inside(way)}" for way in ways)
        sentences = [_("Connected for {duration}: {parts}.").format(duration=duration(connected), parts=parts)]
    if story.moves:
        sentences.append(
            ngettext(
                "The visit moved to another way once.",
                "The visit moved to another way %(count)d times.",
                story.moves,
            )
            % {"count": story.moves}
        )
    else:
        sentences.append(_("The visit stayed on the way it began with."))
    said = sum(event.kind == "trouble" for event in story.events)
    if said:
        sentences.append(
            ngettext(
                "Somebody said once that they could not hear or see well.",
                "Somebody said %(count)d times that they could not hear or see well.",
                said,
            )
            % {"count": said}
        )
    sentences.extend(_of_person(curve) for curve in story.curves if curve.used)
    return sentences


def percent(share: float) -> str:
    return _("{number} %").format(number=round(100 * share))


def duration(seconds: float) -> str:
    """Return a length of time in words: "24 min", "1 min 20 s"."""
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return _("{seconds} s").format(seconds=rest)
    if minutes >= 10 or not rest:
        return _("{minutes} min").format(minutes=minutes + (rest >= 30))
    return _("{minutes} min {seconds} s").format(minutes=minutes, seconds=rest)


def _of_person(curve: Curve) -> str:
    name, poor = name_of(curve.person), curve.poor_seconds
    if not any(band_of_sample(sample) for sample in curve.used):
        return _("{name}: not measured.").format(name=name)
    if not poor:
        fair = sum(band_of_sample(sample) == "fair" for sample in curve.used)
        if fair == len(curve.used):
            return _("{name}: fair all the time.").format(name=name)
        sentence = _("{name}: never poor, {share} of the time good.") if fair else _("{name}: good all the time.")
        return sentence.format(name=name, share=percent(1 - fair / len(curve.used)))
    factors = Counter(_factor(sample) for sample in curve.used if band_of_sample(sample) == "poor")
    factor = next((factor for factor, _count in factors.most_common() if factor), "")
    if not factor:
        return _("{name}: poor for {duration}.").format(name=name, duration=duration(poor))
    return _("{name}: poor for {duration}, mostly because {factor}.").format(
        name=name, duration=duration(poor), factor=FACTORS[factor]
    )


def _factor(sample: Sample) -> str:
    """Return what limits the worse of the two."""
    sound_is_worse = sample.video is None or (sample.audio is not None and sample.audio <= sample.video)
    return sample.audio_factor if sound_is_worse else sample.video_factor


def spans(story: Story) -> Iterable[Span]:
    """Yield the stretches of equal quality, person by person."""
    for curve in story.curves:
        first, last, ends = None, None, None
        for sample, end in lasting(curve.used):
            if first is not None and last is not None and ends is not None and not _goes_on(first, last, sample):
                yield _span(curve, first, ends)
                first = None
            first, last, ends = first or sample, sample, end
        if first is not None and ends is not None:
            yield _span(curve, first, ends)


def _key(sample: Sample) -> tuple[str, str]:
    return band(sample.audio), band(sample.video)


def _goes_on(first: Sample, last: Sample, sample: Sample) -> bool:
    return _key(first) == _key(sample) and sample.at - last.at <= timedelta(seconds=3 * SAMPLE_S)


def _span(curve: Curve, first: Sample, end: datetime) -> Span:
    sound, picture = _key(first)
    factor = "" if band_of_sample(first) == "good" else _factor(first)
    return Span(
        start=first.at,
        end=end,
        name=name_of(curve.person),
        sound=str(BANDS[sound]),
        picture=str(BANDS[picture]),
        reason=str(FACTORS[factor]) if factor in FACTORS else "",
    )
