"""Sources stay in their slots."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_routing.sfu.mapping import map_sources


@pytest.mark.parametrize(
    ("current", "ranked", "expected"),
    [
        ([None, None], [], [None, None]),
        ([None, None, None], ["a", "b"], ["a", "b", None]),
        (["a", "b"], ["b", "a"], ["a", "b"]),  # order alone moves nobody
        (["a", "b", None], ["b", "c"], ["c", "b", None]),  # a leaver frees its slot
        (["a", "b"], ["c", "b", "a"], ["c", "b"]),  # more than fit: the last in rank goes
        ([], ["a"], []),
    ],
)
def test_cases(current, ranked, expected):
    assert map_sources(current, ranked) == expected


@given(st.integers(0, 6), st.lists(st.permutations(range(8)).map(lambda order: order[: order[0]]), max_size=6))
def test_nobody_moves_and_nobody_is_twice(size, rounds):
    mapped = [None] * size
    for ranked in rounds:
        after = map_sources(mapped, ranked)
        present = [key for key in after if key is not None]
        assert set(present) == set(ranked[:size]) and len(present) == len(set(present))
        assert all(b == a for a, b in zip(mapped, after, strict=True) if a in present)
        mapped = after
