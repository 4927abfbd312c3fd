"""Who gets which layer: order of rank, what is given up first, and no picture that jumps up and down."""

import pytest

from media_routing.sfu.allocator import OFF, Allocator, Demand, allocate
from media_routing.sfu.layers import Layer

LOW, MIDDLE, HIGH = 0, 1, 2
THREE = (Layer(180, 150_000), Layer(360, 500_000), Layer(720, 1_500_000))
AUDIO = 100_000


def demand(key, **more):
    return Demand(key, **{"height": 720, "layers": THREE, **more})


def choose(demands, budget_bps, previous=None):
    return dict(allocate(demands, budget_bps, AUDIO, previous or {}).layers)


class TestAllocate:
    def test_all_get_what_they_show_when_it_fits(self):
        demands = [demand("a", place=0), demand("b", height=360), demand("c", height=180)]
        assert choose(demands, 10_000_000) == {"a": HIGH, "b": MIDDLE, "c": LOW}

    def test_a_tile_may_be_stretched_by_a_quarter(self):
        assert choose([demand("a", height=225), demand("b", height=226)], 10_000_000) == {"a": LOW, "b": MIDDLE}

    def test_what_is_not_shown_gets_nothing(self):
        assert choose([demand("a", height=0)], 10_000_000) == {"a": OFF}

    def test_audio_is_paid_first(self):
        assert choose([demand("a", place=0)], AUDIO + 149_000) == {"a": OFF}
        assert choose([demand("a", place=0)], AUDIO + 150_000) == {"a": LOW}

    def test_the_speaker_keeps_the_middle_before_the_others_get_anything(self):
        demands = [demand(key, place=place) for place, key in enumerate("abcd")]
        assert choose(demands, AUDIO + 560_000) == {"a": MIDDLE, "b": OFF, "c": OFF, "d": OFF}
        assert choose(demands, AUDIO + 900_000) == {"a": MIDDLE, "b": LOW, "c": LOW, "d": OFF}

    def test_a_pinned_tile_comes_before_the_speaker(self):
        demands = [demand("a", place=0), demand("b", pinned=True)]
        assert choose(demands, AUDIO + 560_000) == {"a": OFF, "b": MIDDLE}

    def test_the_rest_goes_by_the_height_of_its_tile(self):
        demands = [demand("a", height=180), demand("b", height=360)]
        assert choose(demands, AUDIO + 166_000) == {"a": OFF, "b": LOW}

    def test_all_are_seen_small_before_the_speaker_is_seen_whole(self):
        demands = [demand("a", place=0), demand("b"), demand("c")]
        assert choose(demands, AUDIO + 1_100_000) == {"a": MIDDLE, "b": LOW, "c": LOW}

    def test_an_interpreter_keeps_the_layer_when_others_drop(self):
        demands = [demand("speaker", place=0), demand("interpreter", keep=True, height=360), demand("c")]
        whole = choose(demands, 10_000_000)
        for budget in range(3_000_000, AUDIO + 560_000, -50_000):
            assert choose(demands, budget)["interpreter"] == MIDDLE == whole["interpreter"]
        assert choose(demands, AUDIO + 560_000) == {"speaker": OFF, "interpreter": MIDDLE, "c": OFF}

    def test_without_the_wish_to_keep_it_the_interpreter_drops_first(self):
        demands = [demand("speaker", place=0), demand("interpreter", height=360)]
        assert choose(demands, AUDIO + 560_000) == {"speaker": MIDDLE, "interpreter": OFF}

    def test_a_layer_that_is_not_to_be_had_is_replaced_by_the_next_lower(self):
        layers = (THREE[0], THREE[1], Layer(720, 0))
        assert choose([demand("a", layers=layers)], 10_000_000) == {"a": MIDDLE}

    def test_a_single_stream_is_all_or_nothing(self):
        single = (Layer(720, 800_000),)
        assert choose([demand("a", height=180, layers=single)], AUDIO + 900_000) == {"a": LOW}
        assert choose([demand("a", height=180, layers=single)], AUDIO + 700_000) == {"a": OFF}

    def test_to_stay_costs_less_than_to_rise(self):
        budget = AUDIO + 500_000
        assert choose([demand("a")], budget) == {"a": LOW}
        assert choose([demand("a")], budget, {"a": MIDDLE}) == {"a": MIDDLE}

    def test_the_last_picture_of_who_is_looked_at_stays_while_the_estimate_trembles(self):
        budget = AUDIO + 115_000
        assert choose([demand("a", place=0)], budget, {"a": HIGH}) == {"a": LOW}
        assert choose([demand("a", place=0)], budget, {"a": LOW}) == {"a": LOW}
        assert choose([demand("a", place=0)], AUDIO + 110_000, {"a": LOW}) == {"a": OFF}
        assert choose([demand("a", place=1)], budget, {"a": LOW}) == {"a": OFF}
        single = (Layer(720, 800_000),)
        assert choose([demand("a", place=0, layers=single)], AUDIO + 700_000, {"a": LOW}) == {"a": OFF}

    @pytest.mark.parametrize("budget", range(0, 6_000_000, 170_000))
    def test_more_rate_never_makes_the_first_one_worse_nor_spends_more_than_there_is(self, budget):
        demands = [demand(key, place=place) for place, key in enumerate("abcd")]
        less, more = allocate(demands, budget, AUDIO, {}), allocate(demands, budget + 170_000, AUDIO, {})
        assert more.layers["a"] >= less.layers["a"]
        assert less.used_bps <= max(budget, AUDIO)

    def test_desired_is_what_all_would_cost(self):
        assert allocate([demand("a"), demand("b", height=180)], 0, AUDIO, {}).desired_bps == AUDIO + 1_650_000


class TestAllocator:
    def decided(self, budget_bps, now=0.0):
        allocator = Allocator()
        allocator.decide([demand("a", place=0), demand("b")], budget_bps, AUDIO, now)
        return allocator

    def layers(self, allocator, budget_bps, now, **more):
        return dict(allocator.decide([demand("a", place=0), demand("b")], budget_bps, AUDIO, now, **more).layers)

    def test_it_is_due_at_first_after_changes_of_15_percent_after_5_s_and_when_told(self):
        allocator = Allocator()
        assert allocator.is_due(1_000_000, 0.0)
        allocator = self.decided(1_000_000)
        assert not allocator.is_due(1_140_000, 4.9)
        assert allocator.is_due(1_150_000, 1.0)
        assert allocator.is_due(1_000_000, 5.0)
        allocator.note_change()
        assert allocator.is_due(1_000_000, 0.1)

    def test_it_is_due_as_soon_as_the_rate_falls_below_what_is_spent(self):
        allocator = self.decided(AUDIO + 750_000)
        assert allocator.current.used_bps == AUDIO + 650_000
        assert allocator.is_due(AUDIO + 600_000, 0.1)

    def test_after_a_fall_for_want_of_rate_only_lowest_layers_come_back_within_ten_seconds(self):
        allocator = self.decided(4_000_000)
        assert self.layers(allocator, 700_000, 1.0) == {"a": MIDDLE, "b": OFF}
        assert self.layers(allocator, 4_000_000, 2.9) == {"a": MIDDLE, "b": OFF}
        assert self.layers(allocator, 4_000_000, 3.1) == {"a": MIDDLE, "b": LOW}
        assert self.layers(allocator, 4_000_000, 10.9) == {"a": MIDDLE, "b": LOW}
        assert self.layers(allocator, 4_000_000, 11.1) == {"a": HIGH, "b": HIGH}

    def test_it_says_when_the_last_decision_was_a_fall_for_want_of_rate(self):
        allocator = self.decided(4_000_000)
        assert not allocator.fell
        self.layers(allocator, 700_000, 1.0)
        assert allocator.fell
        self.layers(allocator, 700_000, 2.0)
        assert not allocator.fell
        allocator.decide([demand("a", height=180)], 600_000, AUDIO, 3.0)  # a smaller tile
        assert not allocator.fell

    def test_a_clean_probe_lets_it_rise_as_far_as_was_proven(self):
        allocator = self.decided(4_000_000)
        self.layers(allocator, 700_000, 1.0)
        assert self.layers(allocator, 4_000_000, 3.0, proven_bps=1_000_000) == {"a": MIDDLE, "b": LOW}
        assert self.layers(allocator, 4_000_000, 4.0, proven_bps=4_000_000) == {"a": HIGH, "b": HIGH}

    def test_what_was_proven_stays_when_the_proof_is_old(self):
        allocator = self.decided(4_000_000)
        self.layers(allocator, 700_000, 1.0)
        self.layers(allocator, 4_000_000, 3.0, proven_bps=4_000_000)
        assert self.layers(allocator, 4_000_000, 8.5) == {"a": HIGH, "b": HIGH}
        assert self.layers(allocator, 3_900_000, 9.5) == {"a": HIGH, "b": HIGH}

    @pytest.mark.parametrize(("stayed_s", "expected"), [(1.0, [2.0, 8.0, 32.0]), (3.0, [2.0, 4.0, 8.0])])
    def test_a_lowest_layer_that_came_back_too_soon_waits_longer_the_next_time(self, stayed_s, expected):
        allocator = self.decided(AUDIO + 750_000)
        now, waits = 10.0, []
        for _ in range(3):
            assert self.layers(allocator, AUDIO + 580_000, now)["b"] == OFF
            fell_at = now
            while self.layers(allocator, AUDIO + 750_000, now)["b"] == OFF:
                now += 0.5
            waits.append(now - fell_at)
            now += stayed_s
        assert waits == expected

    def test_while_held_a_new_speaker_still_takes_the_layer_of_the_old(self):
        allocator = self.decided(4_000_000)
        self.layers(allocator, 700_000, 1.0)
        after = allocator.decide([demand("a", place=1), demand("b", place=0)], 720_000, AUDIO, 2.0)
        assert dict(after.layers) == {"a": OFF, "b": MIDDLE}

    def test_a_smaller_tile_is_no_fall_that_holds(self):
        allocator = self.decided(4_000_000)
        small = [demand("a", place=0, height=180), demand("b", height=180)]
        assert dict(allocator.decide(small, 3_900_000, AUDIO, 1.0).layers) == {"a": LOW, "b": LOW}
        assert self.layers(allocator, 4_000_000, 2.0) == {"a": HIGH, "b": HIGH}

    def test_a_layer_that_its_sender_switches_off_is_no_fall_that_holds(self):
        allocator = self.decided(4_000_000)
        without = (THREE[0], THREE[1], Layer(720, 0))
        allocator.decide([demand("a", place=0, layers=without), demand("b")], 3_900_000, AUDIO, 1.0)
        assert self.layers(allocator, 4_000_000, 2.0) == {"a": HIGH, "b": HIGH}
