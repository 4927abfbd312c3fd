"""People come and go at random: whatever happens, no receiver decodes a frame on a wrong one, and nothing is left."""

import gc
import weakref
from random import Random

import pytest

from tests.media_routing.simulator.network import LinkModel
from tests.media_routing.simulator.world import World

NAMES = ("anna", "ben", "cem", "dora", "emil", "fatma")


def random_link(random: Random) -> LinkModel:
    return LinkModel(
        delay_s=random.uniform(0.005, 0.1),
        jitter_s=random.choice((0.0, 0.01)),
        loss=random.choice((0.0, 0.0, 0.01, 0.05)),
        burst_packets=random.choice((1.0, 4.0)),
        rate_bps=random.choice((None, None, 2_000_000, 600_000)),
        reorder=random.choice((0.0, 0.01)),
    )


def step(world: World, random: Random) -> None:
    name = random.choice(NAMES)
    if name not in world.people:
        world.join(name, random_link(random), random_link(random))
    elif random.random() < 0.3:
        world.join(name, random_link(random), random_link(random))  # comes back on another leg before the first is gone
    elif len(world.people) > 2 and random.random() < 0.6:
        errors = world.errors()
        assert errors == []
        world.leave(name)
    world.talk(random.choice(list(world.people)))


@pytest.mark.parametrize("seed", (0, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(1, 8))))
def test_people_come_and_go_and_nobody_sees_a_wrong_frame(seed):
    random = Random(seed)
    world = World(seed, room_size=len(NAMES))
    world.join("anna")
    world.join("ben")
    for _ in range(25):
        step(world, random)
        world.run(random.uniform(0.1, 2.5))
        assert world.errors() == []
    world.run(12)
    assert world.errors() == []
    assert world.room.stats(world.clock.now).legs == len(world.people)
    for person in world.people.values():
        others = set(world.people) - {person.name}
        where = [who for who, source in person.endpoint.slots.values() if source == "microphone"]
        assert sorted(where) == sorted(others)
        assert {who for who, source in person.endpoint.slots.values() if source == "camera"} == others


def test_a_leg_that_left_is_forgotten():
    world = World(1, room_size=3)
    world.join("anna")
    world.join("ben")
    world.join("cem")
    world.run(3)
    leg = weakref.ref(world.people["cem"].leg)
    world.leave("cem")
    world.run(6)
    world.room.take_events()
    gc.collect()
    assert leg() is None


def test_when_all_have_left_nothing_is_due():
    world = World(1, room_size=3)
    world.join("anna")
    world.join("ben")
    world.run(2)
    world.leave("anna")
    world.leave("ben")
    assert world.room.deadline() == float("inf")


def test_two_runs_of_a_seed_are_the_same_run():
    def run(seed):
        world = World(seed, room_size=3)
        for name in ("anna", "ben", "cem"):
            world.join(name, down=LinkModel(loss=0.03, rate_bps=1_500_000))
        world.run(5)
        return [(p.down.sent, p.down.sent_bytes, p.down.lost, p.samples[-1]["layers"]) for p in world.people.values()]

    assert run(3) == run(3) != run(4)
