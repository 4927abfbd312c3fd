"""The answer of the routing policy. Codes only: the words for people belong to the caller."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

# There is no "mcu": a server that decodes and mixes would hear every visit. It is not a value, so no rule can choose it.
Route = Literal["p2p", "sfu", "none"]
ROUTES: tuple[Route, ...] = ("p2p", "sfu", "none")

IceTransportPolicy = Literal["all", "relay"]
Scalar = str | int | bool


@dataclass(frozen=True, slots=True)
class Reason:
    """A stable code and its parameters, ready to be stored as JSON and translated by the caller."""

    code: str
    params: Mapping[str, Scalar] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "params", MappingProxyType(dict(self.params)))

    def as_dict(self) -> dict[str, object]:
        return {"code": self.code, "params": dict(self.params)}


@dataclass(frozen=True, slots=True)
class Decision:
    """`reasons[0]` decided the route; the others, in rule order, say under which conditions it holds."""

    route: Route
    reasons: tuple[Reason, ...]
    ice_transport_policy: IceTransportPolicy = "all"

    def __post_init__(self) -> None:
        if self.route not in ROUTES:
            raise ValueError("unknown route")
        if not self.reasons:
            raise ValueError("a decision without a reason cannot be explained to anybody")

    @property
    def refusal(self) -> bool:
        """True when media may not flow at all; the first reason says why."""
        return self.route == "none"

    def as_dict(self) -> dict[str, object]:
        return {
            "route": self.route,
            "refusal": self.refusal,
            "ice_transport_policy": self.ice_transport_policy,
            "reasons": [reason.as_dict() for reason in self.reasons],
        }
