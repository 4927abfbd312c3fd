"""The routing policy: the table by example, then properties over every combination of facts."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_routing.api import REASON_CODES, Facts, decide
from media_routing.policy.decision import Decision, Reason
from media_routing.policy.facts import PRIVACY_CLASSES, PROFILES
from media_routing.policy.rules import CONDITIONS, ROUTE_RULES

SFU = {"sfu_available": True}
BLIND = {"sfu_available": True, "sfu_is_blind": True}

TABLE = [
    # facts, route, the reasons in order
    ({}, "p2p", ["one_to_one"]),
    ({"participants": 1}, "p2p", ["one_to_one"]),
    ({"participants": 3}, "none", ["three_or_more_need_server"]),
    ({"participants": 3, **SFU}, "sfu", ["three_or_more"]),
    ({"participants": 3, "profile": "kbv", **SFU}, "none", ["server_must_be_blind"]),
    ({"participants": 3, "profile": "kbv", **BLIND}, "sfu", ["three_or_more"]),
    ({"participants": 3, "privacy_class": "maximum", **SFU}, "none", ["server_must_be_blind", "maximum_privacy"]),
    ({"recording": True}, "none", ["recording_needs_server"]),
    ({"recording": True, **SFU}, "sfu", ["recording_through_server"]),
    ({"recording": True, "profile": "kbv", **BLIND}, "none", ["recording_forbidden_by_profile"]),
    (
        {"recording": True, "privacy_class": "maximum", **BLIND},
        "none",
        ["recording_forbidden_by_privacy_class", "maximum_privacy"],
    ),
    ({"ai_active": True}, "none", ["ai_needs_server"]),
    ({"ai_active": True, **SFU}, "sfu", ["ai_through_server"]),
    ({"ai_active": True, "profile": "kbv", **BLIND}, "none", ["ai_forbidden_by_profile"]),
    (
        {"ai_active": True, "privacy_class": "maximum", **BLIND},
        "none",
        ["ai_forbidden_by_privacy_class", "maximum_privacy"],
    ),
    ({"relay_only_by_clinic": True}, "p2p", ["one_to_one", "relay_only_by_clinic"]),
    ({"relay_only_by_patient": True}, "p2p", ["one_to_one", "relay_only_by_patient"]),
    (
        {"relay_only_by_patient": True, "turn_available": False},
        "none",
        ["relay_required_but_missing", "relay_only_by_patient", "no_relay_configured"],
    ),
    ({"turn_available": False}, "p2p", ["one_to_one", "no_relay_configured"]),
    ({"privacy_class": "maximum"}, "p2p", ["one_to_one", "maximum_privacy"]),
    ({"seats": 4}, "p2p", ["one_to_one", "more_people_may_come"]),
    ({"visit_is_group": True}, "p2p", ["one_to_one", "more_people_may_come"]),
]

facts_of_any_visit = st.builds(
    Facts,
    participants=st.integers(0, 30),
    seats=st.integers(0, 30),
    visit_is_group=st.booleans(),
    privacy_class=st.sampled_from(PRIVACY_CLASSES),
    profile=st.sampled_from(PROFILES),
    recording=st.booleans(),
    ai_active=st.booleans(),
    relay_only_by_clinic=st.booleans(),
    relay_only_by_patient=st.booleans(),
    turn_available=st.booleans(),
    sfu_available=st.booleans(),
    sfu_is_blind=st.booleans(),
)


@pytest.mark.parametrize(("changes", "route", "codes"), TABLE)
def test_it_decides_by_the_table(changes, route, codes):
    decision = decide(dataclasses.replace(Facts(participants=2), **changes))
    assert (decision.route, [reason.code for reason in decision.reasons]) == (route, codes)
    assert decision.refusal == (route == "none")


def test_every_rule_and_condition_is_reached_by_the_table():
    assert {code for _, _, codes in TABLE for code in codes} == set(REASON_CODES)


@given(facts_of_any_visit)
def test_media_never_meets_a_mixing_server(facts):
    assert decide(facts).route in {"p2p", "sfu", "none"}


@given(facts_of_any_visit)
def test_a_direct_call_has_at_most_two_people_and_nobody_listening(facts):
    if decide(facts).route == "p2p":
        assert facts.participants <= 2
        assert not facts.recording
        assert not facts.ai_active


@given(facts_of_any_visit)
def test_no_listening_server_where_profile_or_privacy_class_forbid_one(facts):
    decision = decide(facts)
    if facts.profile == "kbv" or facts.privacy_class == "maximum":
        assert decision.route != "sfu" or facts.sfu_is_blind
        if facts.recording or facts.ai_active:
            assert decision.refusal


@given(facts_of_any_visit)
def test_without_a_media_server_nothing_is_routed_through_one(facts):
    if not facts.sfu_available:
        assert decide(facts).route != "sfu"


@given(facts_of_any_visit)
def test_a_hidden_address_stays_hidden(facts):
    decision = decide(facts)
    wanted = facts.relay_only_by_clinic or facts.relay_only_by_patient
    assert (decision.ice_transport_policy == "relay") == wanted
    if wanted and not facts.turn_available:
        assert decision.refusal


@given(facts_of_any_visit)
def test_the_same_facts_give_the_same_known_reasons_once_each(facts):
    decision = decide(facts)
    codes = [reason.code for reason in decision.reasons]
    assert decision == decide(facts)
    assert len(codes) == len(set(codes))
    assert set(codes) <= set(REASON_CODES)


@pytest.mark.parametrize("wrong", [{"participants": -1}, {"seats": -1}, {"privacy_class": "low"}, {"profile": "none"}])
def test_it_rejects_facts_that_cannot_be(wrong):
    with pytest.raises(ValueError):
        Facts(**{"participants": 2, **wrong})


@pytest.mark.parametrize("arguments", [("mcu", (Reason("one_to_one"),)), ("p2p", ())])
def test_it_rejects_a_decision_nobody_could_explain(arguments):
    with pytest.raises(ValueError):
        Decision(*arguments)


def test_a_reason_cannot_be_changed_after_the_fact():
    with pytest.raises(TypeError):
        Reason("three_or_more", {"participants": 3}).params["participants"] = 2


def test_docs_print_the_rules_in_the_order_of_the_code():
    lines = (Path(__file__).parents[2] / "docs" / "ROUTING.md").read_text().splitlines()
    rows = [tuple(cell.strip(" `") for cell in line.strip("|").split("|")) for line in lines if line.startswith("| `")]
    documented = [row[:1] + row[-1:] for row in rows]
    assert [row for row in documented if row[0] in REASON_CODES] == [
        (rule.code, rule.text) for rule in (*ROUTE_RULES, *CONDITIONS)
    ]
    routes = {row[0]: row[1] for row in rows if len(row) == 3}
    assert routes == {rule.code: rule.route for rule in ROUTE_RULES}
