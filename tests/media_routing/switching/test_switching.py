"""The switching machine by example: numbers and words in, effects out. Times are those of life."""

import itertools
from collections.abc import Sequence
from dataclasses import replace

import pytest

from media_routing.policy.decision import Reason
from media_routing.policy.switch_terms import Measured, Move, Release, Tell, Visit
from media_routing.policy.switching import Switching

A, B = "anna", "paul"
BOTH = frozenset({A, B})
DIRECT = Visit("p2p", BOTH, BOTH, may_use_server=True)
SERVER = Visit("sfu", BOTH, BOTH, may_return=True)
GOOD, BAD = 90, 20


class Clock:
    """A machine with a clock: `play` lets both report every two seconds and collects the effects with their times."""

    def __init__(self, visit: Visit = DIRECT) -> None:
        self.machine, self.now = Switching(0.0), 0.0
        self.effects: list[tuple[float, object]] = []
        self.see(visit)
        for person in (A, B):
            self.path(person, "connected", visit.route)

    def do(self, effects: Sequence[object]) -> None:
        self.effects += [(self.now, effect) for effect in effects]

    def see(self, visit: Visit) -> None:
        self.visit = visit
        self.do(self.machine.follow(visit, self.now))

    def hear(self, person: str, measured: Measured) -> None:
        self.do(self.machine.hear_quality(person, measured, self.now))

    def path(self, person: str, state: str, engine: str = "") -> None:
        self.do(self.machine.hear_path(person, state, engine, self.now))

    def trouble(self, person: str) -> None:
        self.do(self.machine.hear_trouble(person, self.now))

    def play(self, seconds: float, used: dict[str, int | None], warm: dict[str, int | None] | None = None) -> None:
        until = self.now + seconds
        while self.now < until:
            self.now += 0.5
            if self.now % 2 == 0:
                for person in (A, B):
                    self.report(person, used[person])
                    if warm and self.machine.warm:
                        self.report(person, warm[person], warm=True)
            self.do(self.machine.tick(self.now))

    def report(self, person: str, score: int | None, *, warm: bool = False) -> None:
        if score is None:
            return
        engine = self.machine.warm if warm else self.visit.route
        factor, loss = ("loss", 0.2 if person == B else 0.0) if score < 40 else ("", 0.0)
        measured = Measured(engine, warm, score, score, factor, factor, loss_out=loss)
        self.hear(person, measured)

    def take(self) -> list[tuple[float, object]]:
        found, self.effects = self.effects, []
        return found


FINE = {A: GOOD, B: GOOD}
THIN = {A: GOOD, B: BAD}


WORST = {"participant": B, "score": BAD, "factor": "loss"}


def tell(trigger: str, code: str, **params: str | int) -> Tell:
    return Tell(trigger, Reason(code, params))


def test_a_good_path_is_left_alone() -> None:
    clock = Clock()
    clock.play(300, FINE)
    assert clock.take() == []
    assert clock.machine.shown().warm == ""


def test_five_seconds_of_it_try_the_server_and_ten_move_there_when_it_is_better_for_both() -> None:
    clock = Clock()
    clock.play(20, FINE)
    clock.play(4, THIN)
    assert clock.take() == []
    clock.play(9, THIN, FINE)
    (probed, probe), (moved, move) = clock.take()
    assert (probe, move) == (tell("probe", "direct_unacceptable", **WORST), Move("sfu", "quality", "server_better"))
    bad_since = 22.0
    assert 5 <= probed - bad_since < 6
    assert 10 <= moved - bad_since < 11
    assert clock.machine.shown().warm == "sfu", "pages keep it until the snapshot says that it is in use"
    clock.see(SERVER)
    assert clock.machine.shown().warm == ""
    assert clock.machine.shown().server


@pytest.mark.parametrize("better_for", [A, B])
def test_better_for_one_only_does_not_move(better_for: str) -> None:
    clock = Clock()
    clock.play(20, FINE)
    clock.play(40, {A: BAD, B: BAD}, {A: BAD, B: BAD, better_for: GOOD})
    assert not any(isinstance(effect, Move) for _, effect in clock.take())


def test_a_bad_last_mile_does_not_move_and_says_whose_it_is() -> None:
    clock = Clock()
    clock.play(20, FINE)
    clock.play(30, THIN, THIN)
    effects = [effect for _, effect in clock.take()]
    assert effects == [tell("probe", "direct_unacceptable", **WORST), tell("probe_ended", "last_mile", participant=B)]
    assert clock.machine.shown().advice == Reason("last_mile", {"participant": B})
    # Not again before a minute, then two.
    clock.play(400, THIN, THIN)
    starts = [when for when, effect in clock.take() if isinstance(effect, Tell) and effect.trigger == "probe"]
    pauses = [later - earlier for earlier, later in itertools.pairwise(starts)]
    assert pauses[0] > 120
    assert all(later >= 1.5 * earlier for earlier, later in itertools.pairwise(pauses))
    clock.play(12, FINE)
    assert clock.machine.shown().advice is None


def test_what_becomes_good_by_itself_is_left_where_it_is() -> None:
    clock = Clock()
    clock.play(20, FINE)
    clock.play(7, THIN, FINE)
    clock.play(12, FINE, FINE)
    assert [effect for _, effect in clock.take()] == [
        tell("probe", "direct_unacceptable", **WORST),
        tell("probe_ended", "recovered"),
    ]


def test_a_server_that_is_not_reached_is_given_up() -> None:
    clock = Clock()
    clock.play(20, FINE)
    clock.play(30, THIN)
    assert clock.take()[-1][1] == tell("probe_ended", "not_reached")
    assert clock.machine.shown().warm == ""


def test_a_persons_word_counts_as_ten_seconds_whatever_is_measured() -> None:
    clock = Clock()
    clock.play(20, FINE)
    clock.trouble(B)
    assert clock.take()[-1][1] == tell("probe", "person_says_so", participant=B, score=GOOD, factor="")
    clock.play(6, FINE, FINE)
    assert [effect for _, effect in clock.take()] == [Move("sfu", "quality", "server_better")]


def test_the_way_back_waits_a_minute_and_for_a_direct_path_that_is_good() -> None:
    clock = Clock(SERVER)
    clock.play(58, FINE)
    assert clock.take() == []
    clock.play(8, FINE)
    assert [effect for _, effect in clock.take()] == [tell("probe", "direct_tried")]
    assert clock.machine.shown().warm == "p2p"
    clock.play(12, FINE, FINE)
    assert [effect for _, effect in clock.take()] == [Move("p2p", "recovered", "direct_good")]
    clock.see(DIRECT)
    assert clock.machine.shown().server, "the last packets are still on their way"
    clock.play(9, FINE)
    assert [effect for _, effect in clock.take()] == [Release()]
    assert not clock.machine.shown().server


def test_the_way_back_is_not_taken_while_the_direct_path_is_only_fair() -> None:
    clock = Clock(SERVER)
    clock.play(100, FINE, {A: 60, B: GOOD})
    effects = [effect for _, effect in clock.take()]
    assert effects == [tell("probe", "direct_tried"), tell("probe_ended", "direct_not_good")]


@pytest.mark.parametrize("every_s", [20, 12, 30])
def test_a_path_that_flaps_for_five_minutes_changes_four_times_at_most(every_s: int) -> None:
    clock = Clock()
    clock.play(10, FINE)
    changes = []
    for _ in range(300 // every_s // 2):
        for direct in ({A: BAD, B: BAD}, FINE):
            for _ in range(every_s // 2):
                on_server = clock.visit.route == "sfu"
                clock.play(2, FINE if on_server else direct, direct if on_server else FINE)
                for _, effect in clock.take():
                    if isinstance(effect, Move):
                        changes.append(clock.now)
                        clock.see(SERVER if effect.to == "sfu" else DIRECT)
    assert 1 <= len(changes) <= 4
    gaps = [later - earlier for earlier, later in itertools.pairwise(changes)]
    assert all(gap >= 60 for gap in gaps)


def test_where_people_are_asked_nothing_is_tried_before_both_said_yes() -> None:
    asked = replace(DIRECT, asks=BOTH)
    clock = Clock(asked)
    clock.play(20, FINE)
    clock.play(30, THIN, FINE)
    assert [effect for _, effect in clock.take()] == [tell("asked", "direct_unacceptable", **WORST)]
    shown = clock.machine.shown()
    assert (shown.warm, shown.move and shown.move.asks) == ("", (A, B))
    clock.see(replace(asked, agreed=frozenset({A})))
    assert clock.take() == []
    clock.see(replace(asked, agreed=BOTH))
    assert [effect for _, effect in clock.take()] == [tell("probe", "direct_unacceptable", **WORST)]


def test_a_no_is_kept_and_nobody_is_asked_again() -> None:
    asked = replace(DIRECT, asks=BOTH)
    clock = Clock(asked)
    clock.play(20, FINE)
    clock.play(8, THIN)
    clock.take()
    clock.see(replace(asked, declined=frozenset({B})))
    clock.play(300, THIN, FINE)
    assert [effect for _, effect in clock.take()] == [tell("advice", "poor_and_declined")]


def test_a_third_person_who_needs_a_yes_makes_a_question_and_no_probe() -> None:
    asked = replace(DIRECT, asks=BOTH)
    clock = Clock(asked)
    clock.do(clock.machine.ask_for_third(clock.now))
    clock.do(clock.machine.ask_for_third(clock.now))
    assert [effect for _, effect in clock.take()] == [tell("asked", "third_person")]
    clock.see(replace(asked, agreed=BOTH))
    assert clock.take() == []
    assert clock.machine.shown().move is None
    # The third comes in: the database moved the visit, and nothing is left to do.
    clock.see(replace(SERVER, people=BOTH | {"ina"}, present=BOTH | {"ina"}, may_return=False))
    clock.play(120, FINE)
    assert clock.take() == []


@pytest.mark.parametrize("states", [("connecting", "connecting"), ("lost", "lost"), ("connecting", "lost")])
def test_a_direct_path_that_carries_nothing_for_ten_seconds_gives_way_at_once(states: tuple[str, str]) -> None:
    clock = Clock()
    nothing = {A: None, B: None}
    for person, state in zip((A, B), states, strict=True):
        clock.path(person, state, "")
    clock.play(9, nothing)
    assert not any(isinstance(effect, Move) for _, effect in clock.take())
    clock.play(2, nothing)
    assert [effect for _, effect in clock.take()] == [Move("sfu", "direct_failed", "direct_failed")]
    # The server does not carry it either: no running to and fro, a clear word.
    clock.see(SERVER)
    clock.play(30, nothing)
    assert [effect for _, effect in clock.take()] == [tell("advice", "use_phone")]
    assert clock.machine.shown().advice == Reason("use_phone")


def test_a_path_that_is_lost_moves_as_soon_as_the_server_is_known_to_carry() -> None:
    clock = Clock()
    clock.play(20, FINE)
    for person in (A, B):
        clock.path(person, "lost")
    lost_s = clock.now
    clock.play(12, {A: None, B: None}, FINE)
    (probed, probe), (moved, move) = clock.take()
    assert isinstance(probe, Tell)
    assert (probe.trigger, move) == ("probe", Move("sfu", "quality", "server_better"))
    assert (probed - lost_s, moved - lost_s) == (5, 10)


def test_one_side_that_is_away_is_no_broken_path() -> None:
    clock = Clock()
    clock.path(A, "lost", "")
    clock.play(30, {A: None, B: GOOD})
    clock.see(replace(DIRECT, present=frozenset({A})))
    clock.path(B, "lost", "")
    clock.play(30, {A: None, B: None})
    assert not any(isinstance(effect, Move) for _, effect in clock.take()), "there is nobody to move to"


def test_pages_that_cling_to_the_old_path_bring_the_route_back() -> None:
    clock = Clock()
    clock.see(SERVER)
    for person in (A, B):
        clock.path(person, "connected", "p2p")
    clock.play(12, {A: None, B: None})
    assert [effect for _, effect in clock.take()] == [Move("p2p", "direct_failed", "server_failed")]


@pytest.mark.parametrize(
    "change",
    [
        replace(DIRECT, people=BOTH | {"ina"}, present=BOTH | {"ina"}),
        replace(DIRECT, people=frozenset({A}), present=frozenset({A})),
        replace(DIRECT, may_use_server=False),
    ],
)
def test_what_the_database_says_ends_what_was_tried(change: Visit) -> None:
    clock = Clock()
    clock.play(20, FINE)
    clock.play(7, THIN, FINE)
    assert clock.machine.shown().warm == "sfu"
    clock.take()
    clock.see(change)
    assert clock.machine.shown().warm == ""
    assert [type(effect) for _, effect in clock.take()] == [Tell]


def test_a_move_that_is_not_made_is_given_up_and_not_tried_again_at_once() -> None:
    clock = Clock()
    clock.play(20, FINE)
    clock.play(13, THIN, FINE)
    assert isinstance(clock.take()[-1][1], Move)
    clock.do(clock.machine.move_failed(clock.now))
    assert [effect for _, effect in clock.take()] == [tell("probe_ended", "not_reached")]
    clock.play(50, THIN, FINE)
    assert clock.take() == []


def test_a_dim_room_is_not_the_path_unless_movement_is_what_matters() -> None:
    for frames_count, probes in ((False, 0), (True, 1)):
        clock = Clock(replace(DIRECT, frames_count=frames_count))
        for _ in range(15):
            clock.now += 2
            for person in (A, B):
                measured = Measured("p2p", False, GOOD, BAD, "", "frames")
                clock.hear(person, measured)
        effects = [effect for _, effect in clock.take()]
        assert sum(isinstance(effect, Tell) and effect.trigger == "probe" for effect in effects) == probes


def test_where_sound_is_watched_a_poor_picture_moves_nobody() -> None:
    clock = Clock(replace(DIRECT, watches=("audio",)))
    for _ in range(30):
        clock.now += 2
        for person in (A, B):
            measured = Measured("p2p", False, GOOD, BAD, "", "loss")
            clock.hear(person, measured)
    assert clock.take() == []


def test_reports_of_another_path_or_of_strangers_are_not_heard() -> None:
    clock = Clock()
    clock.play(20, FINE)
    for _ in range(20):
        clock.now += 2
        for measured in (Measured("sfu", False, BAD, BAD), Measured("p2p", True, BAD, BAD)):
            clock.hear(B, measured)
        clock.hear("stranger", Measured("p2p", False, BAD, BAD))
        clock.trouble("stranger")
    assert clock.take() == []
