"""May a machine keep anything of this visit now (PRIV-3)? Pure: who is there and what they said comes in.

Everybody counts who is inside, the practitioner and the interpreter too, and also while their connection is lost: their
voice may be the next that is heard.

    all said yes ─────────────▶ ok           somebody has not answered ──▶ undecided: wait, pause, ask them
    fewer than two are there ─▶ alone        somebody said no ───────────▶ refused: stop; the visit goes on
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

OK: Final = "ok"
UNDECIDED: Final = "undecided"
REFUSED: Final = "refused"
ALONE: Final = "alone"

GRANTED: Final = "granted"
_NO: Final = frozenset({"refused", "withdrawn"})


@dataclass(frozen=True, slots=True)
class Present:
    """Somebody who is inside. `answers`: purpose -> granted, refused or withdrawn; a missing one was not given yet."""

    id: str
    answers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`undecided` and `refused` are ids of people, in the order in which they were given."""

    word: Literal["ok", "undecided", "refused", "alone"]
    undecided: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return self.word == OK


def may_capture(purpose: str, people: Iterable[Present]) -> Verdict:
    """Return whether everybody who is inside lets `purpose` happen at this moment. A no outweighs a missing answer."""
    inside = list(people)
    answers = [(person.id, person.answers.get(purpose, "")) for person in inside]
    refused = tuple(id_ for id_, answer in answers if answer in _NO)
    undecided = tuple(id_ for id_, answer in answers if answer != GRANTED and answer not in _NO)
    if refused:
        return Verdict(REFUSED, undecided, refused)
    if undecided:
        return Verdict(UNDECIDED, undecided)
    return Verdict(OK if len(inside) > 1 else ALONE)
