import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_routing.rtp.sequence import ahead, extend


@pytest.mark.parametrize(
    ("number", "near", "expected"),
    [(5, 5, 5), (0, 65535, 65536), (65535, 65536, 65535), (1, 0x1FFFF, 0x20001), (65535, 0, -1), (0x8000, 0, -0x8000)],
)
def test_it_takes_the_nearest(number, near, expected):
    assert extend(number, near) == expected


def test_timestamps_wrap_at_32_bits():
    assert ahead(5, 2**32 - 5, 32) == 10
    assert ahead(2**32 - 5, 5, 32) == -10


@given(st.integers(0, 2**40), st.integers(-0x7FFF, 0x7FFF))
def test_a_number_within_half_a_cycle_comes_back(near, step):
    assert extend((near + step) & 0xFFFF, near) == near + step
