"""CLIN-8 at 1 Mbit/s: an interpreter's picture keeps its layer while the others drop."""

from tests.media_routing.simulator.network import LinkModel
from tests.media_routing.simulator.world import World


def layers_on_a_narrow_link(*, keep: bool) -> list[int]:
    """What the receiver got of the interpreter's camera, four times a second, after the first three seconds."""
    world = World(6)
    world.join("narrow", down=LinkModel(rate_bps=1_000_000))
    for name in ("first", "second", "third", "interpreter"):
        world.join(name)
    world.room.keep_layer("interpreter", keep)
    world.talk("first")
    world.run(8)
    assert world.errors() == []
    return [sample["layers"]["interpreter"] for sample in world.people["narrow"].samples if sample["at_s"] > 3]


def test_the_interpreter_is_never_below_360p():
    assert min(layers_on_a_narrow_link(keep=True)) >= 1


def test_without_the_mark_the_interpreter_drops_like_others():
    assert min(layers_on_a_narrow_link(keep=False)) < 1
