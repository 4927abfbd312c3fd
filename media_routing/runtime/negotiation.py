"""One connection's offer and answers: SDP on the outside, the forwarding core's plan on the inside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any, cast

from media_routing import sdp
from media_routing.runtime.ice_lite import Credentials
from media_routing.runtime.terms import JoinAnswer, MediaRefused
from media_routing.sfu.plan import CNAME, ExtensionIds, LegPlan, PublishLine, ReceiveSlot


@dataclass(frozen=True, slots=True)
class Negotiation:
    """`version` counts answers: an ICE restart is a new one of the same session (RFC 8829 §5.3.1)."""

    offer: sdp.Offer
    planned: sdp.PlannedLeg
    session_id: int
    version: int = 1

    @property
    def leg_plan(self) -> LegPlan:
        fields = cast(Any, self.planned)
        return LegPlan(
            tuple(PublishLine(**_fields(line)) for line in fields.publishes),
            tuple(ReceiveSlot(**_fields(slot)) for slot in fields.slots),
            ExtensionIds(**fields.extensions),
        )

    def with_offer(self, offer: sdp.Offer) -> Negotiation:
        return replace(self, offer=offer, version=self.version + 1)

    def answer(
        self, credentials: Credentials, fingerprint: tuple[str, str], addresses: tuple[str, ...], port: int
    ) -> JoinAnswer:
        text = sdp.build_answer(
            self.offer,
            self.planned,
            ufrag=credentials.ufrag,
            pwd=credentials.password,
            fingerprint=sdp.Fingerprint(*fingerprint),
            candidates=sdp.host_candidates(addresses, port),
            cname=CNAME,
            session_id=self.session_id,
            version=self.version,
        )
        return JoinAnswer(text, [{"mid": slot.mid, "kind": slot.kind} for slot in self.planned.slots])


def begin(text: str, sources: Mapping[str, str], random: Random) -> Negotiation:
    """Raises MediaRefused("bad_sdp")."""
    try:
        offer = sdp.parse_offer(text)
        planned = sdp.plan_leg(offer, sources, lambda: random.getrandbits(32))
    except sdp.SdpError as error:
        raise MediaRefused("bad_sdp") from error
    return Negotiation(offer, planned, random.getrandbits(62))


def read_again(before: Negotiation, text: str, sources: Mapping[str, str]) -> sdp.Offer:
    """A later offer of the same connection: only its ICE credentials may differ. Raises MediaRefused("bad_sdp")."""
    try:
        offer = sdp.parse_offer(text)
    except sdp.SdpError as error:
        raise MediaRefused("bad_sdp") from error
    if offer.fingerprints != before.offer.fingerprints or not sdp.still_fits(before.planned, offer, sources):
        raise MediaRefused("bad_sdp")
    return offer


def _fields(planned: Any) -> dict[str, Any]:
    return {name: getattr(planned, name) for name in type(planned).__dataclass_fields__}
