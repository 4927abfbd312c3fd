"""RFC 3550 §A.1, §A.3 and §A.8 with literal numbers."""

import pytest

from media_routing.sfu.reception import FIRST_CYCLE, MAX_DROPOUT, MAX_MISORDER, Reception


def take(reception, *sequences):
    numbers = []
    for sequence in sequences:
        number = reception.extend(sequence & 0xFFFF)
        if number >= 0:
            reception.received += 1
        numbers.append(number - FIRST_CYCLE if number >= 0 else None)
    return numbers


def test_numbers_grow_over_the_wrap_and_late_packets_keep_theirs():
    assert take(Reception(90_000), 65534, 65535, 1, 0, 2) == [65534, 65535, 65537, 65536, 65538]


def test_a_packet_before_the_first_is_counted_below_it():
    assert take(Reception(90_000), 1, 65535) == [1, -1]


def test_a_single_jump_is_not_believed_but_two_in_a_row_are():
    reception = Reception(90_000)
    assert take(reception, 10, 30_000, 11) == [10, None, 11]
    numbers = take(reception, 30_000, 30_001, 30_002)
    assert numbers[0] is None and numbers[2] - numbers[1] == 1
    assert numbers[1] > 11 + MAX_DROPOUT
    assert numbers[1] & 0xFFFF == 30_001


@pytest.mark.parametrize(("behind", "known"), [(MAX_MISORDER, True), (MAX_MISORDER + 1, False)])
def test_it_draws_a_line_behind(behind, known):
    assert (take(Reception(90_000), 5000, 5000 - behind)[1] is not None) is known


def test_loss_is_a_fraction_of_the_period_and_a_total():
    reception = Reception(90_000)
    take(reception, *range(100, 110))
    assert (reception.take_fraction_lost(), reception.lost) == (0.0, 0)
    take(reception, *range(115, 120))
    assert (reception.take_fraction_lost(), reception.lost) == (0.5, 5)
    take(reception, 110, 111, 120, 121)  # two came late
    assert reception.take_fraction_lost() == 0.0 and reception.lost == 3
    assert reception.take_fraction_lost() == 0.0  # nothing new


def test_a_new_beginning_is_no_loss():
    reception = Reception(90_000)
    take(reception, *range(100), 40_000, 40_001, 40_002)
    assert 0 <= reception.lost <= 2


def test_jitter_follows_the_difference_of_transit_times():
    reception = Reception(90_000)
    for n in range(50):
        reception.time(n * 3000, n / 30)
    assert reception.jitter < 1
    for n in range(50, 200):
        reception.time(n * 3000, n / 30 + (0.010 if n % 2 else 0))
    assert reception.jitter == pytest.approx(900, rel=0.1)  # 10 ms at 90 kHz
    before = reception.jitter
    reception.time(2**31, 7)  # a jump of the clock
    assert reception.jitter == before
