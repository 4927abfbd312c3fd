"""SDP for one SFU leg: the browser offers, we answer at once (docs/SFU.md).

offer text --parse_offer--> Offer --plan_leg--> PlannedLeg --build_answer--> answer text

errors.py      SdpError(code), the only thing that escapes
lines.py       grammar: text into lines per section, limits
section.py     one m-line: codecs, header extensions, rids, sources
offer.py       what must agree over all sections: bundle, keys, ICE, DTLS role
plan.py        offer + what each line is -> what the switch needs
answer.py      the same two + our transport -> text
candidate.py   a=candidate lines, both ways
"""

from media_routing.sdp.answer import build_answer
from media_routing.sdp.candidate import Candidate, host_candidates, parse_candidate
from media_routing.sdp.errors import SdpError
from media_routing.sdp.offer import Fingerprint, Offer, parse_offer
from media_routing.sdp.plan import PlannedLeg, PlannedPublish, PlannedSlot, plan_leg, still_fits
from media_routing.sdp.section import Section

__all__ = [
    "Candidate",
    "Fingerprint",
    "Offer",
    "PlannedLeg",
    "PlannedPublish",
    "PlannedSlot",
    "SdpError",
    "Section",
    "build_answer",
    "host_candidates",
    "parse_candidate",
    "parse_offer",
    "plan_leg",
    "still_fits",
]
