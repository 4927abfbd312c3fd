"""The routing rules, in order. docs/ROUTING.md prints the same table; a test keeps the two equal.

`ROUTE_RULES`: the first rule that applies decides the route. Refusals come first, so nothing later can soften one.
`CONDITIONS`: every one that applies is added to the reasons and may tighten the connection, never loosen it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from media_routing.policy.decision import ROUTES, Decision, IceTransportPolicy, Reason, Route, Scalar
from media_routing.policy.facts import Facts


def _no_params(_: Facts) -> Mapping[str, Scalar]:
    return {}


def _profile(facts: Facts) -> Mapping[str, Scalar]:
    return {"profile": facts.profile}


def _people(facts: Facts) -> Mapping[str, Scalar]:
    return {"participants": facts.participants}


@dataclass(frozen=True, slots=True)
class Rule:
    """`text` is the rule in plain English, for docs/ROUTING.md; people in a visit read the caller's translation."""

    code: str
    route: Route
    applies: Callable[[Facts], bool]
    text: str
    params: Callable[[Facts], Mapping[str, Scalar]] = _no_params


@dataclass(frozen=True, slots=True)
class Condition:
    code: str
    applies: Callable[[Facts], bool]
    text: str
    ice_transport_policy: IceTransportPolicy = "all"
    routes: tuple[Route, ...] = ROUTES  # on which it can apply


# fmt: off  (a table: one rule per entry, as in docs/ROUTING.md)
ROUTE_RULES: tuple[Rule, ...] = (
    Rule(
        "recording_forbidden_by_profile",
        "none",
        lambda f: bool(f.recording) and f.profile == "kbv",
        "The kbv profile never allows a recording.",
        _profile,
    ),
    Rule(
        "ai_forbidden_by_profile",
        "none",
        lambda f: f.ai_active and f.profile == "kbv",
        "The kbv profile never allows AI to listen.",
        _profile,
    ),
    Rule(
        "recording_forbidden_by_privacy_class",
        "none",
        lambda f: bool(f.recording) and f.privacy_class == "maximum",
        "A visit of maximum privacy is never recorded.",
    ),
    Rule(
        "ai_forbidden_by_privacy_class",
        "none",
        lambda f: f.ai_active and f.privacy_class == "maximum",
        "In a visit of maximum privacy AI never listens.",
    ),
    Rule(
        "client_recording_refused",
        "none",
        lambda f: f.recording == "client",
        "No recording in one person's browser: it stops with that browser, records what was shown instead of what was "
        "sent, and leaves the file with one person. The clinic's server records.",
    ),
    Rule(
        "relay_required_but_missing",
        "none",
        lambda f: f.relay_only and not f.turn_available and not f.by_server,
        "Two browsers must hide their addresses, but no relay is configured: rather no call than a visible address.",
    ),
    Rule(
        "recording_needs_server",
        "none",
        lambda f: bool(f.recording) and not f.sfu_available,
        "Recording needs a media server, and there is none.",
    ),
    Rule(
        "ai_needs_server",
        "none",
        lambda f: f.ai_active and not f.sfu_available,
        "AI needs a media server, and there is none.",
    ),
    Rule(
        "three_or_more_need_server",
        "none",
        lambda f: f.participants > 2 and not f.sfu_available,
        "Three or more people need a media server, and there is none.",
        _people,
    ),
    Rule(
        "server_must_be_blind",
        "none",
        lambda f: f.needs_server and f.server_must_be_blind,
        "Profile or privacy class forbid a media server that could read the media.",
        _profile,
    ),
    Rule(
        "server_declined",
        "none",
        lambda f: f.needs_server and f.server_lacks_yes and f.server_consent == "no",
        "Maximum privacy: somebody said no to the media server in this visit, and that no is kept.",
    ),
    Rule(
        "server_needs_yes",
        "none",
        lambda f: f.needs_server and f.server_lacks_yes,
        "Maximum privacy: nothing goes through the media server before practitioner and patient both said yes to it.",
    ),
    Rule(
        "sfu_full",
        "none",
        lambda f: f.needs_server and f.server_is_full and f.server_refusal == "sfu_full",
        "The media server cannot carry one more visit now.",
    ),
    Rule(
        "sfu_draining",
        "none",
        lambda f: f.needs_server and f.server_is_full and f.server_refusal == "sfu_draining",
        "The media server is about to stop and takes no new visit.",
    ),
    Rule(
        "recording_through_server",
        "sfu",
        lambda f: bool(f.recording),
        "A recording is made by the clinic's media server.",
    ),
    Rule("ai_through_server", "sfu", lambda f: f.ai_active, "AI listens through the clinic's media server."),
    Rule(
        "three_or_more",
        "sfu",
        lambda f: f.participants > 2,
        "Three or more people meet through the clinic's media server, which forwards and never decodes.",
        _people,
    ),
    Rule(
        "direct_path_failed",
        "sfu",
        lambda f: f.evidence == "direct_failed" and f.moves_to_server,
        "The direct path never came about or broke; the media server is reached.",
    ),
    Rule(
        "quality_through_server",
        "sfu",
        lambda f: f.evidence == "server_better" and f.moves_to_server,
        "The direct path was clinically unacceptable for 10 s, and at the same time the path through the media server "
        "measured better for everybody.",
    ),
    Rule(
        "group_visit",
        "sfu",
        lambda f: f.begins_on_server,
        "A visit type for three or more people begins on the media server and stays there.",
    ),
    Rule(
        "stays_on_server",
        "sfu",
        lambda f: f.stays_on_server,
        "What brought the visit to the media server is over. It stays until both people were well connected for 60 s and "
        "the direct path, tried beside it, measured good.",
    ),
    Rule("one_to_one", "p2p", lambda f: True, "Two people are connected browser to browser."),
)

CONDITIONS: tuple[Condition, ...] = (
    Condition(
        "encrypted_to_server",
        lambda f: not f.sfu_is_blind,
        "The media are encrypted to the clinic's server, which passes them on and could read them.",
        routes=("sfu",),
    ),
    Condition(
        "server_is_blind",
        lambda f: f.sfu_is_blind,
        "Every browser encrypts picture and sound with keys the server never has: it passes on what it cannot read.",
        routes=("sfu",),
    ),
    Condition(
        "relay_only_by_clinic",
        lambda f: f.relay_only_by_clinic,
        "The clinic hides everybody's network address: only relayed connections.",
        "relay",
        routes=("p2p", "none"),
    ),
    Condition(
        "relay_only_by_patient",
        lambda f: f.relay_only_by_patient,
        "The patient hides the network address: only relayed connections.",
        "relay",
        routes=("p2p", "none"),
    ),
    Condition(
        "addresses_hidden_by_server",
        lambda f: f.relay_only,
        "Network addresses are to be hidden: everybody is connected to the server only, nobody to each other.",
        routes=("sfu",),
    ),
    Condition("maximum_privacy", lambda f: f.privacy_class == "maximum", "The visit type asks for maximum privacy."),
    Condition(
        "no_relay_configured",
        lambda f: not f.turn_available,
        "No relay is configured: on some networks the connection will not succeed.",
    ),
    Condition(
        "more_people_may_come",
        lambda f: f.participants <= 2 and (f.visit_is_group or f.seats > 2),
        "More than two people are expected; this decision is made again when the third one comes.",
        routes=("p2p", "none"),
    ),
    Condition(
        "server_agreed",
        lambda f: f.server_consent == "yes" and f.server_may_not_listen,
        "Practitioner and patient both said yes to the media server in this visit.",
        routes=("sfu",),
    ),
    Condition(
        "move_needs_yes",
        lambda f: f.asks_for_server and f.move_lacks_yes,
        "The media server would help, and is not used without the yes of practitioner and patient.",
        routes=("p2p",),
    ),
    Condition(
        "server_busy",
        lambda f: f.evidence == "server_better" and f.server_is_busy,
        "The media server is so busy that it takes only visits that cannot do without it.",
        routes=("p2p",),
    ),
)
# fmt: on


def decide(facts: Facts) -> Decision:
    """The decision for these facts. Never raises: the last rule always applies."""
    rule = next(rule for rule in ROUTE_RULES if rule.applies(facts))
    conditions = [condition for condition in CONDITIONS if rule.route in condition.routes and condition.applies(facts)]
    relay = any(condition.ice_transport_policy == "relay" for condition in conditions)
    return Decision(
        route=rule.route,
        reasons=(Reason(rule.code, rule.params(facts)), *(Reason(condition.code) for condition in conditions)),
        ice_transport_policy="relay" if relay else "all",
    )
