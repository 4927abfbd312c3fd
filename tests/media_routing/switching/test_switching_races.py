"""Both browsers end on the same path with media, or with a clear word; whatever was lost, doubled or reordered, whoever left.

A world (world.py) is one visit of a minute in a storm and somewhat more than a minute of calm. The controls are pages and servers
that are wrong in one thing each: without them a test that sees no failure would say nothing.
"""

from collections import Counter
from dataclasses import replace

import pytest

from tests.evidence import write_evidence
from tests.media_routing.switching import world as worlds
from tests.media_routing.switching.world import World
from tests.soak import scaled

RUNS, SOAK_RUNS = 150, 5000
FINE = {"media", "poor", "told"}


def outcomes(seeds: range, control: str = "") -> dict[int, str]:
    return {seed: World(seed, control).run() for seed in seeds}


def check(seeds: range) -> Counter[str]:
    """How many visits ended in which way."""
    found = outcomes(seeds)
    assert {seed: outcome for seed, outcome in found.items() if outcome not in FINE} == {}
    ended = Counter(found.values())
    assert ended["media"] > len(seeds) / 2, "the storm leaves most visits something to find"
    return ended


def test_both_always_end_on_the_same_path_with_media_or_a_word() -> None:
    check(range(RUNS))


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_both_always_end_on_the_same_path_with_media_or_a_word_in_thousands_of_visits() -> None:
    visits = scaled(SOAK_RUNS)
    ended = check(range(RUNS, RUNS + visits))
    write_evidence("route_races", "issue 5, line 4", {"visits": visits, "ended": dict(sorted(ended.items()))})


def test_control_pages_that_follow_what_is_only_tried_end_apart_from_the_server() -> None:
    assert any(outcome.startswith("paths") for outcome in outcomes(range(60), "follows_proposals").values())


def test_control_a_server_that_never_comes_to_the_rescue_leaves_people_without_a_word(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worlds, "TIMES", replace(worlds.TIMES, connect_s=1e9))
    assert any(outcome.startswith("no media") for outcome in outcomes(range(60)).values())


def test_the_same_seed_is_the_same_visit() -> None:
    first, second = World(7), World(7)
    assert first.run() == second.run()
    assert first.db.rows == second.db.rows


def test_every_row_of_every_visit_has_a_reason() -> None:
    for seed in range(20):
        visit = World(seed)
        visit.run()
        assert all(codes for _, _, codes in visit.db.rows)
