"""One participant's transport as the core sees it."""

from __future__ import annotations

from media_routing.sfu.plan import LegPlan


class Leg:
    """Made by `Room.add_leg` only. `link` is the runtime's own object and opaque here."""

    def __init__(self, key: str, plan: LegPlan, link: object) -> None:
        self.key = key
        self.plan = plan
        self.link = link
