"""Pieces of many streams become one: continuous numbers over switches, wraps, loss and reordering."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_routing.rtp import vp8
from media_routing.sfu.rewriter import SEGMENTS_KEPT, Rewriter


def descriptor(picture, tl0=0, key=0):
    return vp8.Descriptor(6, picture & 0x7FFF, 2, True, tl0 & 255, 4, key & 31, 5)


@given(st.integers(0, 2**32))
def test_numbers_begin_in_the_first_half_of_a_cycle(seed):
    """SRTP receivers that miss the beginning guess a roll-over counter of 0."""
    rewriter: Rewriter[str] = Rewriter(Random(seed))
    rewriter.attach("low", 70_000, 5, None, 10)
    assert 0 < (70_000 + rewriter.current.sequence_offset & 0xFFFF) <= 0x8000


pieces = st.lists(
    st.tuples(
        st.integers(0x10000, 2**40),  # first number of the piece
        st.integers(0, 2**32 - 1),  # its timestamp
        st.integers(0, 0x7FFF),  # its picture id
        st.lists(st.integers(1, 20), max_size=30),  # steps: more than 1 is a loss
    ),
    min_size=1,
    max_size=SEGMENTS_KEPT,
)


@given(pieces, st.randoms())
def test_the_receiver_sees_one_continuous_stream(pieces, random):
    rewriter: Rewriter[int] = Rewriter(random)
    sent: dict[int, tuple[int, int]] = {}
    out_timestamp, last_number, last_picture = 1000, None, None
    for index, (first, timestamp, picture, steps) in enumerate(pieces):
        rewriter.attach(index, first, timestamp, descriptor(picture, picture, picture), out_timestamp)
        numbers = [first]
        for step in steps:
            numbers.append(numbers[-1] + step)
        out = [number + rewriter.current.sequence_offset for number in numbers]
        if last_number is not None:
            assert out[0] == last_number + 1  # no gap, no overlap
            assert (picture + rewriter.current.picture_offset) & 0x7FFF == (last_picture + 1) & 0x7FFF
        assert timestamp + rewriter.current.timestamp_offset == out_timestamp
        shuffled = list(zip(out, numbers, strict=True))
        random.shuffle(shuffled)
        for out_number, number in shuffled:
            assert out_number not in sent
            sent[out_number] = (index, number)
        frames = len(numbers)
        rewriter.detach(
            numbers[-1], timestamp + 3000 * frames, descriptor(picture + frames, picture + frames, picture + frames)
        )
        last_number, last_picture = out[-1], picture + frames + rewriter.current.picture_offset
        out_timestamp = rewriter.last_timestamp + 90
        assert rewriter.last_number == last_number
    # Every packet of every piece is found again by what the receiver calls it.
    for out_number, (index, number) in sent.items():
        if last_number - out_number < 0x8000:
            segment, found = rewriter.locate(out_number & 0xFFFF, last_number)
            assert (segment.input, found) == (index, number)


def test_what_was_never_sent_is_not_found():
    rewriter: Rewriter[str] = Rewriter(Random(1))
    rewriter.attach("low", 70_000, 0, None, 0)
    highest = 70_010 + rewriter.current.sequence_offset
    assert rewriter.locate(highest & 0xFFFF, highest) is not None
    assert rewriter.locate((highest + 1) & 0xFFFF, highest) is None
    assert rewriter.locate((69_999 + rewriter.current.sequence_offset) & 0xFFFF, highest) is None


def test_pieces_are_forgotten_in_the_end():
    rewriter: Rewriter[int] = Rewriter(Random(1))
    for index in range(SEGMENTS_KEPT + 1):
        rewriter.attach(index, 70_000, 0, None, 0)
        rewriter.detach(70_004, 0, None)
    oldest = rewriter.last_number - 5 * (SEGMENTS_KEPT + 1) + 1
    assert rewriter.locate(oldest & 0xFFFF, rewriter.last_number) is None
    assert rewriter.locate((oldest + 5) & 0xFFFF, rewriter.last_number)[0].input == 1


@pytest.mark.parametrize(("first", "second"), [(-1, 5), (5, -1), (-1, -1)])
def test_without_picture_ids_nothing_is_shifted(first, second):
    rewriter: Rewriter[str] = Rewriter(Random(1))
    plain = lambda picture: vp8.Descriptor(1, picture, 1, False, -1, -1, -1, -1)  # noqa: E731
    rewriter.attach("a", 70_000, 0, plain(first), 0)
    rewriter.detach(70_000, 0, plain(first))
    rewriter.attach("b", 70_000, 0, plain(second), 0)
    assert not rewriter.current.is_patching
