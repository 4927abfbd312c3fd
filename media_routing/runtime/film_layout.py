"""Where everybody is on one picture, and when they are there at all. Pure: numbers in, numbers out; pixels are even."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

# Silence and no picture for longer: the person was away, and the others get their place.
AWAY_MS: Final = 5000
SPACE: Final = 8


@dataclass(frozen=True, slots=True)
class Box:
    x: int
    y: int
    width: int
    height: int


def grid(count: int, width: int, height: int) -> list[Box]:
    """Equal places for `count` people, row by row, the last row in the middle."""
    if not count:
        return []
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    cell_width, cell_height = _even(width // columns - SPACE), _even(height // rows - SPACE)
    boxes = []
    for number in range(count):
        row, column = divmod(number, columns)
        in_row = min(columns, count - row * columns)
        left = (width - in_row * (cell_width + SPACE) + SPACE) / 2
        top = (height - rows * (cell_height + SPACE) + SPACE) / 2
        x, y = left + column * (cell_width + SPACE), top + row * (cell_height + SPACE)
        boxes.append(Box(_even(int(x)), _even(int(y)), cell_width, cell_height))
    return boxes


def fit(box: Box, width: int, height: int) -> Box:
    """The largest place within `box` for a picture of this size, whole and in its own proportions."""
    scale = min(box.width / width, box.height / height)
    fitted_width, fitted_height = max(2, _even(int(width * scale))), max(2, _even(int(height * scale)))
    x = box.x + _even((box.width - fitted_width) // 2)
    y = box.y + _even((box.height - fitted_height) // 2)
    return Box(x, y, fitted_width, fitted_height)


def silhouette(box: Box) -> Iterator[tuple[int, int, int]]:
    """(y, from x, to before x) of the rows of a head and shoulders: somebody who shows no picture. Without a name: the
    file may be seen by people who need none."""
    head = box.height * 0.16
    middle_x, head_y = box.x + box.width / 2, box.y + box.height * 0.36
    shoulders_y, shoulders_height, shoulders_width = box.y + box.height * 0.86, box.height * 0.3, head * 2.1
    for y in range(box.y, box.y + box.height):
        inside = 1 - ((y - head_y) / head) ** 2
        half = head * math.sqrt(inside) if inside > 0 else 0.0
        if not half and y <= shoulders_y:
            inside = 1 - ((shoulders_y - y) / shoulders_height) ** 2
            half = shoulders_width * math.sqrt(inside) if inside > 0 else 0.0
        if half >= 1:
            yield y, max(box.x, int(middle_x - half)), min(box.x + box.width, int(middle_x + half))


@dataclass(slots=True)
class Presence:
    """When somebody was there: spans of time without a hole of AWAY_MS. Times come in order within each track."""

    spans: list[tuple[int, int]] = field(default_factory=list)

    def add(self, start_ms: int, end_ms: int) -> None:
        if self.spans and start_ms - self.spans[-1][1] <= AWAY_MS:
            first, last = self.spans[-1]
            self.spans[-1] = first, max(last, end_ms)
        else:
            self.spans.append((start_ms, end_ms))

    def joined(self, other: Presence) -> Presence:
        """There with either the one or the other, such as picture or voice."""
        both = Presence()
        for start_ms, end_ms in sorted([*self.spans, *other.spans]):
            both.add(start_ms, end_ms)
        return both

    def at(self, time_ms: int) -> bool:
        found = bisect_right(self.spans, time_ms, key=lambda span: span[0]) - 1
        return found >= 0 and time_ms <= self.spans[found][1]


def _even(number: int) -> int:
    return number - number % 2
