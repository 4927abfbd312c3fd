"""A line that carries nothing for seconds, as while somebody's device changes its network."""

import pytest

from media_routing.sfu.bwe.estimator import BandwidthEstimator
from media_routing.sfu.subscriber import Subscriber
from tests.media_routing.simulator.measures import freeze_s, layers
from tests.media_routing.simulator.world import Person, World

# One seed in every run, more of them in the long one.
SEEDS = (1, *(pytest.param(seed, marks=pytest.mark.soak) for seed in (2, 3)))
AWAY_S, EVERY_S, TIMES = 2.0, 8.0, 4


def interrupted_again_and_again(seed: int) -> tuple[World, Person]:
    world = World(seed, room_size=2)
    world.join("anna")
    world.join("ben")
    world.talk("anna")
    world.run(10)
    ben = world.people["ben"]
    for _ in range(TIMES):
        for link in (ben.up, ben.down):
            link.is_up = False
        world.run(AWAY_S)
        for link in (ben.up, ben.down):
            link.is_up = True
        world.run(EVERY_S - AWAY_S)
    return world, ben


def seen(person: Person) -> list[int]:
    """The layers of the picture whenever there was one."""
    return [layer for layer in layers(person, "anna", 10.0) if layer >= 0]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_picture_goes_on_at_once_and_as_large_as_before(seed):
    world, ben = interrupted_again_and_again(seed)
    assert freeze_s(ben) < TIMES * (AWAY_S + 0.5)
    shown = seen(ben)
    assert shown.count(2) >= 0.95 * len(shown)
    assert world.errors() == []


def test_control_loss_of_an_interruption_that_counts_makes_the_picture_smaller(monkeypatch):
    monkeypatch.setattr(BandwidthEstimator, "on_interruption", lambda *_: None)
    _, ben = interrupted_again_and_again(1)
    shown = seen(ben)
    assert shown.count(2) < 0.8 * len(shown)


def test_control_without_a_new_beginning_the_picture_waits(monkeypatch):
    usual = freeze_s(interrupted_again_and_again(1)[1])
    monkeypatch.setattr(Subscriber, "_carries_again", lambda *_: None)
    assert freeze_s(interrupted_again_and_again(1)[1]) > usual + 0.5
