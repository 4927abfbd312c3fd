"""PRIV-3 over random stories: whatever people do, in whatever order, nothing is captured while anybody there has not agreed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import pytest

from consultations.recordings import lifecycle
from consultations.rooms.capture import ALONE, OK, REFUSED, UNDECIDED, Present, may_capture

PEOPLE = ("anna", "paul", "ina", "rita")
STORIES = 3000
STEPS = 40


def test_everybody_counts() -> None:
    yes, no, back = {"recording": "granted"}, {"recording": "refused"}, {"recording": "withdrawn"}
    assert may_capture("recording", [Present("anna", yes), Present("paul", yes)]).word == OK
    assert may_capture("recording", [Present("anna", yes), Present("paul")]).undecided == ("paul",)
    assert may_capture("recording", [Present("anna", yes), Present("paul", no)]).word == REFUSED
    assert may_capture("recording", [Present("anna", back), Present("paul")]).refused == ("anna",)
    assert may_capture("recording", [Present("anna", yes)]).word == ALONE
    assert may_capture("recording", []).word == ALONE


def test_a_yes_to_one_thing_is_none_to_another() -> None:
    people = [Present(one, {"recording": "granted"}) for one in PEOPLE]
    assert may_capture("transcript", people).word == UNDECIDED


def test_a_recording_never_goes_on_after_its_end() -> None:
    yes = may_capture("recording", [Present(one, {"recording": "granted"}) for one in PEOPLE])
    for state in (lifecycle.STOPPED, lifecycle.FINALISING, lifecycle.COMPLETE, lifecycle.TRUNCATED, lifecycle.FAILED):
        assert lifecycle.event_for(state, yes, live=True) == ""
        with pytest.raises(lifecycle.IllegalStep):
            lifecycle.next_state(state, "begin")


@dataclass
class Story:
    """Who is inside and what they said, millisecond by millisecond; and when the tap was open."""

    random: Random
    decide: Callable[..., str] = lifecycle.event_for
    now_ms: int = 0
    inside: dict[str, str] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    state: str = ""
    live: bool = True
    # (from, to, everybody inside had agreed) of each stretch between two events
    agreed: list[tuple[int, int, bool]] = field(default_factory=list)
    open_ms: list[tuple[int, int]] = field(default_factory=list)

    def run(self) -> "Story":
        self.inside = {"anna": "", "paul": ""}
        for _ in range(STEPS):
            self._let_time_pass()
            self._something_happens()
            self._settle()
        self._let_time_pass()
        return self

    def _let_time_pass(self) -> None:
        until_ms = self.now_ms + self.random.randrange(1, 500)
        agreed = len(self.inside) > 1 and all(self.answers.get(one) == "granted" for one in self.inside) and self.live
        self.agreed.append((self.now_ms, until_ms, agreed))
        if self.state == lifecycle.RUNNING:
            self.open_ms.append((self.now_ms, until_ms))
        self.now_ms = until_ms

    def _something_happens(self) -> None:
        who = self.random.choice(PEOPLE)
        match self.random.randrange(9):
            case 0 | 1:
                self.inside[who] = ""
            case 2:
                self.inside.pop(who, None)
            case 3 | 4 | 5:
                if who in self.inside and self.state in lifecycle.ACTIVE:
                    self.answers[who] = "granted"
            case 6:
                self.answers[who] = self.random.choice(["refused", "withdrawn"])
            case 7:
                if self.state not in lifecycle.ACTIVE and self.live:
                    # A new question: a no from before is no answer to it.
                    self.state = lifecycle.REQUESTED
                    self.answers = {one: said for one, said in self.answers.items() if said == "granted"}
            case 8:
                if self.state in lifecycle.ACTIVE and self.random.random() < 0.1:
                    # The process dies and is found: what ran is cut off, what was asked is asked no more.
                    self.state = lifecycle.next_state(self.state, "lose")
                elif self.random.random() < 0.02:
                    self.live = False

    def _settle(self) -> None:
        verdict = may_capture(
            "recording", [Present(one, {"recording": self.answers.get(one, "")}) for one in self.inside]
        )
        event = self.decide(self.state, verdict, live=self.live)
        if event:
            self.state = lifecycle.next_state(self.state, event)

    def uncovered_ms(self) -> int:
        """Milliseconds captured while somebody inside had not agreed, or the visit was over."""
        missing = [(start, end) for start, end, agreed in self.agreed if not agreed]
        return sum(
            max(0, min(end, until) - max(start, since)) for start, end in self.open_ms for since, until in missing
        )

    def captured_ms(self) -> int:
        return sum(end - start for start, end in self.open_ms)


def test_not_a_millisecond_is_captured_without_everybodys_yes() -> None:
    stories = [Story(Random(seed)).run() for seed in range(STORIES)]
    assert sum(story.uncovered_ms() for story in stories) == 0
    assert sum(story.captured_ms() > 0 for story in stories) > STORIES / 3, "control: a good part of them was recorded"


def test_control_a_rule_that_forgets_newcomers_is_found_out() -> None:
    def careless(state: str, verdict: object, *, live: bool) -> str:
        event = lifecycle.event_for(state, verdict, live=live)  # type: ignore[arg-type]
        return "" if event == "hold" else event

    stories = [Story(Random(seed), decide=careless).run() for seed in range(200)]
    assert sum(story.uncovered_ms() for story in stories) > 0
