"""What scenarios ask of a world: freezes, layers over time, rates, a plot of it all."""

import itertools

from tests.media_routing.simulator.world import Person, World
from tests.svg_plot import write_plot


def freeze_s(person: Person) -> float:
    return sum(video.freezes.total_s for video in person.endpoint.video.values())


def layers(person: Person, of: str, since_s: float) -> list[int]:
    """The layer shown at each sample from then on, -1 for no picture."""
    return [sample["layers"].get(of, -1) for sample in person.samples if sample["at_s"] > since_s]


def reached(person: Person, of: str, layer: int, since_s: float) -> float | None:
    """Seconds from then until the picture of `of` is at least in this layer; None for never."""
    for sample in person.samples:
        if sample["at_s"] > since_s and sample["layers"].get(of, -1) >= layer:
            return float(sample["at_s"]) - since_s
    return None


def changes(values: list[int]) -> int:
    return sum(1 for before, after in itertools.pairwise(values) if before != after)


def plot(name: str, world: World, title: str) -> None:
    """var/artefacts/sfu_<name>.svg: per person the rates, and the layers seen (or sent)."""
    panels = []
    for person in world.people.values():
        samples = person.samples
        down = [
            (after["at_s"], (after["down_bytes"] - before["down_bytes"]) * 8 / (after["at_s"] - before["at_s"]) / 1000)
            for before, after in itertools.pairwise(samples)
        ]
        rates = {"target kbit/s": [(s["at_s"], s["target_bps"] / 1000) for s in samples], "sent kbit/s": down}
        panels.append((f"{title}: to {person.name}", rates))
        seen = sorted({who for sample in samples for who in sample["layers"]})
        lines = {f"layer of {who}": [(s["at_s"], s["layers"].get(who, -1)) for s in samples] for who in seen}
        panels.append((f"layers seen by {person.name} (-1 none, 0 180p, 1 360p, 2 720p)", lines))
    write_plot(f"sfu_{name}", panels)
