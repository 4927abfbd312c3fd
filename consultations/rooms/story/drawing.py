"""The geometry of a story's drawing: the way over time, numbered events above it, a chart of sound and picture per person.

    ①  ②③        ④                numbers of the list of events
    ████████▒▒▒▒▒████████          the way that carried the visit
    practitioner  ~~~~\\____/~~~    score of sound and picture in three bands: good, fair, poor
    patient       ~~~~~~~~~~~~~

Numbers are strings with a point, whatever the reader's language: they stand in attributes of an SVG.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from consultations.rooms.story.facts import Sample
from consultations.rooms.story.timeline import (
    FAIR_FROM,
    GOOD_FROM,
    SAMPLE_S,
    Curve,
    Event,
    Story,
    band_of_sample,
    lasting,
    worse_score,
)
from consultations.rooms.story.words import WAYS, clock, headline, name_of

WIDTH: Final = 960
_LEFT, _RIGHT = 64, 932
_MARKER_ROWS, _MARKER_STEP, _MARKERS_TOP = 3, 24, 14
_MARKER_ROOM, _WIDE_ROOM = 26, 42
_WAY_TOP: Final = _MARKERS_TOP + _MARKER_ROWS * _MARKER_STEP + 8
_WAY_HEIGHT: Final = 22
_LANES_TOP: Final = _WAY_TOP + 68
_LANE_HEIGHT, _LANE_STEP = 90, 124
_AXIS_ROOM: Final = 30
_CHARACTER_PX: Final = 7.2
_TICKS_S: Final = (10, 20, 30, 60, 120, 300, 600, 900, 1800, 3600)
_MAX_TICKS: Final = 9
# Rows stand ten seconds apart; where one is missing the line has a gap.
_GAP: Final = timedelta(seconds=2.5 * SAMPLE_S)
_SHAPES: Final = {"refused": "square", "trouble": "speech", "lost": "alarm", "failed": "alarm", "poor": "alarm"}


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of the way; `label` is '' where there is no room for it."""

    x: str
    width: str
    middle: str
    way: str
    label: str
    title: str


@dataclass(frozen=True, slots=True)
class Marker:
    """`shape`: circle, square, speech or alarm (six-sided)."""

    x: str
    y: str
    label: str
    shape: str
    title: str

    @property
    def is_wide(self) -> bool:
        """Return whether it names several events ("6–11")."""
        return len(self.label) > 2


@dataclass(frozen=True, slots=True)
class Lane:
    name: str
    name_y: str
    bands: tuple[tuple[str, str, str, str], ...]  # (band, y, height, y of its word)
    audio: tuple[str, ...]
    video: tuple[str, ...]
    tried: tuple[str, ...]
    poor: tuple[tuple[str, str], ...]  # (x, width)
    poor_y: str
    said: tuple[Marker, ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    height: int
    lines_to: str
    axis_y: str
    ticks: tuple[tuple[str, str], ...]
    blocks: tuple[Block, ...]
    markers: tuple[Marker, ...]
    lanes: tuple[Lane, ...]
    ways: tuple[str, ...]
    has_tried: bool
    width: int = WIDTH
    left: int = _LEFT
    plot_width: int = _RIGHT - _LEFT
    words_x: int = _LEFT - 8
    way_y: int = _WAY_TOP
    way_height: int = _WAY_HEIGHT
    way_label_y: int = _WAY_TOP + _WAY_HEIGHT + 17


def draw(story: Story, zone: ZoneInfo) -> Drawing:
    """Return the drawing of a story, its times on the viewer's clock."""
    scale = _Scale(story.start, story.end)
    lanes = tuple(
        _lane(curve, _LANES_TOP + index * _LANE_STEP, scale, story.events) for index, curve in enumerate(story.curves)
    )
    bottom = _LANES_TOP + len(lanes) * _LANE_STEP - (_LANE_STEP - _LANE_HEIGHT) if lanes else _LANES_TOP
    blocks = tuple(
        _block(scale.x(stretch.start), scale.x(stretch.end), stretch.way, stretch.start, stretch.end, zone)
        for stretch in story.stretches
    )
    return Drawing(
        height=bottom + _AXIS_ROOM,
        lines_to=_number(bottom),
        axis_y=_number(bottom + 20),
        ticks=tuple(_ticks(story, scale, zone)),
        blocks=blocks,
        markers=tuple(_markers(story.events, scale)),
        lanes=lanes,
        ways=tuple(way for way in WAYS if any(block.way == way for block in blocks)),
        has_tried=any(lane.tried for lane in lanes),
    )


class _Scale:
    def __init__(self, start: datetime, end: datetime) -> None:
        self.start = start
        self.seconds = max((end - start).total_seconds(), 1.0)

    def x(self, at: datetime) -> float:
        share = (at - self.start).total_seconds() / self.seconds
        return _LEFT + min(max(share, 0.0), 1.0) * (_RIGHT - _LEFT)


def _number(value: float) -> str:
    return f"{value:.1f}"


def _block(start: float, end: float, way: str, began: datetime, ended: datetime, zone: ZoneInfo) -> Block:
    label = str(WAYS[way])
    return Block(
        x=_number(start),
        width=_number(max(end - start, 2)),
        middle=_number((start + end) / 2),
        way=way,
        label=label if len(label) * _CHARACTER_PX < end - start else "",
        title=f"{clock(began, zone)}–{clock(ended, zone)}: {label}",
    )


def _ticks(story: Story, scale: _Scale, zone: ZoneInfo) -> Iterable[tuple[str, str]]:
    step = next((step for step in _TICKS_S if scale.seconds / step <= _MAX_TICKS), _TICKS_S[-1])
    local = story.start.astimezone(zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    first = midnight + timedelta(seconds=((local - midnight).total_seconds() // step + 1) * step)
    words = "%H:%M" if step >= 60 else "%H:%M:%S"
    while first <= story.end:
        yield _number(scale.x(first)), first.strftime(words)
        first += timedelta(seconds=step)


def _markers(events: Sequence[Event], scale: _Scale) -> Iterable[Marker]:
    """Numbers beside each other where there is room, else in the rows above; what has no room joins the one before."""
    placed: list[tuple[float, int, list[int]]] = []
    for number, event in enumerate(events, 1):
        x = scale.x(event.at)
        taken = {row for known, row, shown in placed if x - known < (_WIDE_ROOM if len(shown) > 1 else _MARKER_ROOM)}
        free = [row for row in range(_MARKER_ROWS) if row not in taken]
        if free:
            placed.append((x, free[0], [number]))
        else:
            placed[-1][2].append(number)
    for x, row, numbers in placed:
        shown = [events[number - 1] for number in numbers]
        yield Marker(
            x=_number(x),
            y=_number(_MARKERS_TOP + (_MARKER_ROWS - 1 - row) * _MARKER_STEP),
            label=str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]}–{numbers[-1]}",
            shape=next((_SHAPES[event.kind] for event in shown if event.kind in _SHAPES), "circle"),
            title="; ".join(headline(event) for event in shown),
        )


def _lane(curve: Curve, top: int, scale: _Scale, events: Sequence[Event]) -> Lane:
    edges = (("good", 100, GOOD_FROM), ("fair", GOOD_FROM, FAIR_FROM), ("poor", FAIR_FROM, 0))
    said = [
        Marker(_number(scale.x(event.at)), _number(top + 12), str(number), "speech", headline(event))
        for number, event in enumerate(events, 1)
        if event.kind == "trouble" and curve.person in event.people
    ]
    poor = [(sample.at, end) for sample, end in lasting(curve.used) if band_of_sample(sample) == "poor"]
    tried = [(sample, worse_score(sample)) for sample in curve.tried]
    return Lane(
        name=name_of(curve.person),
        name_y=_number(top - 8),
        bands=tuple(
            (
                band,
                _number(_y(top, above)),
                _number(_y(top, below) - _y(top, above)),
                _number((_y(top, above) + _y(top, below)) / 2 + 4),
            )
            for band, above, below in edges
        ),
        audio=_lines([(sample, sample.audio) for sample in curve.used], top, scale),
        video=_lines([(sample, sample.video) for sample in curve.used], top, scale),
        tried=_lines(tried, top, scale),
        poor=tuple(_runs(poor, scale)),
        poor_y=_number(top + _LANE_HEIGHT - 5),
        said=tuple(said),
    )


def _y(top: int, score: float) -> float:
    return top + (1 - score / 100) * _LANE_HEIGHT


def _lines(scores: Iterable[tuple[Sample, int | None]], top: int, scale: _Scale) -> tuple[str, ...]:
    """Return the points of each unbroken line. One of a single point lasts as long as its ten seconds."""
    lines: list[list[tuple[datetime, int]]] = []
    last: datetime | None = None
    for sample, score in scores:
        if score is None:
            continue
        if last is None or sample.at - last > _GAP:
            lines.append([])
        lines[-1].append((sample.at, score))
        last = sample.at
    for line in lines:
        if len(line) == 1:
            line.append((line[0][0] + timedelta(seconds=SAMPLE_S), line[0][1]))
    return tuple(" ".join(f"{scale.x(at):.1f},{_y(top, score):.1f}" for at, score in line) for line in lines)


def _runs(times: Iterable[tuple[datetime, datetime]], scale: _Scale) -> Iterable[tuple[str, str]]:
    runs: list[list[datetime]] = []
    for start, end in times:
        if runs and start - runs[-1][1] <= _GAP - timedelta(seconds=SAMPLE_S):
            runs[-1][1] = end
        else:
            runs.append([start, end])
    for start, end in runs:
        yield _number(scale.x(start)), _number(max(scale.x(end) - scale.x(start), 3))
