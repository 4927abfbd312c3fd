"""Which source goes into which receive slot. A source keeps its slot as long as it has one at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

Key = TypeVar("Key")


def map_sources(current: Sequence[Key | None], ranked: Sequence[Key]) -> list[Key | None]:
    """The new content of slots of one kind. `ranked` are all sources to be had, best first: as many as there are slots
    are taken, those already in a slot stay there, the others fill the free ones in order."""
    chosen = list(ranked[: len(current)])
    mapped: list[Key | None] = [key if key in chosen else None for key in current]
    waiting = iter([key for key in chosen if key not in mapped])
    return [key if key is not None else next(waiting, None) for key in mapped]
