"""The routing policy: the table by example, then properties over every combination of facts."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_routing.api import REASON_CODES, Facts, decide
from media_routing.policy.decision import Decision, Reason
from media_routing.policy.facts import (
    EVIDENCE,
    PRIVACY_CLASSES,
    PROFILES,
    RECORDINGS,
    SERVER_CONSENTS,
    SERVER_REFUSALS,
)
from media_routing.policy.rules import CONDITIONS, ROUTE_RULES

SFU = {"sfu_available": True}
BLIND = {"sfu_available": True, "browsers_encrypt": True}
AGREED = {**BLIND, "server_consent": "yes"}

TABLE = [
    # facts, route, the reasons in order
    ({}, "p2p", ["one_to_one"]),
    ({"participants": 1}, "p2p", ["one_to_one"]),
    ({"participants": 3}, "none", ["three_or_more_need_server"]),
    ({"participants": 3, **SFU}, "sfu", ["three_or_more", "encrypted_to_server"]),
    ({"participants": 3, "profile": "kbv", **SFU}, "none", ["server_must_be_blind"]),
    ({"participants": 3, "profile": "kbv", **BLIND}, "sfu", ["three_or_more", "server_is_blind"]),
    ({"participants": 3, "privacy_class": "maximum", **SFU}, "none", ["server_must_be_blind", "maximum_privacy"]),
    ({"recording": "server"}, "none", ["recording_needs_server"]),
    ({"recording": "server", **SFU}, "sfu", ["recording_through_server", "encrypted_to_server"]),
    ({"recording": "server", "profile": "kbv", **BLIND}, "none", ["recording_forbidden_by_profile"]),
    (
        {"recording": "server", "privacy_class": "maximum", **BLIND},
        "none",
        ["recording_forbidden_by_privacy_class", "maximum_privacy"],
    ),
    ({"ai_active": True}, "none", ["ai_needs_server"]),
    ({"ai_active": True, **SFU}, "sfu", ["ai_through_server", "encrypted_to_server"]),
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
    # A group begins on the server where one may be used, and on its own path where not.
    ({"visit_is_group": True, **SFU}, "sfu", ["group_visit", "encrypted_to_server"]),
    ({"visit_is_group": True, "participants": 1, **SFU}, "sfu", ["group_visit", "encrypted_to_server"]),
    ({"visit_is_group": True, "profile": "kbv", **SFU}, "p2p", ["one_to_one", "more_people_may_come"]),
    ({"visit_is_group": True, "profile": "kbv", **BLIND}, "sfu", ["group_visit", "server_is_blind"]),
    ({"visit_is_group": True, "server_refusal": "sfu_full", **SFU}, "p2p", ["one_to_one", "more_people_may_come"]),
    # A visit stays where it is when people leave, until the direct path was measured good.
    ({"on_server": True, **SFU}, "sfu", ["stays_on_server", "encrypted_to_server"]),
    ({"on_server": True, "participants": 1, **SFU}, "sfu", ["stays_on_server", "encrypted_to_server"]),
    ({"on_server": True, "server_refusal": "sfu_draining", **SFU}, "sfu", ["stays_on_server", "encrypted_to_server"]),
    ({"on_server": True, "profile": "kbv", **SFU}, "p2p", ["one_to_one"]),
    ({"on_server": True, "profile": "kbv", **BLIND}, "sfu", ["stays_on_server", "server_is_blind"]),
    ({"on_server": True}, "p2p", ["one_to_one"]),
    ({"on_server": True, "evidence": "direct_good", **SFU}, "p2p", ["one_to_one"]),
    ({"on_server": True, "evidence": "server_failed", **SFU}, "p2p", ["one_to_one"]),
    ({"on_server": True, "visit_is_group": True, **SFU}, "sfu", ["group_visit", "encrypted_to_server"]),
    (
        {"on_server": True, "visit_is_group": True, "evidence": "direct_good", **SFU},
        "sfu",
        ["group_visit", "encrypted_to_server"],
    ),
    (
        {"on_server": True, "visit_is_group": True, "evidence": "server_failed", **SFU},
        "p2p",
        ["one_to_one", "more_people_may_come"],
    ),
    # A recording in one person's browser is refused wherever it is not forbidden anyway.
    ({"recording": "client", **SFU}, "none", ["client_recording_refused"]),
    ({"recording": "client"}, "none", ["client_recording_refused"]),
    ({"recording": "client", "profile": "kbv"}, "none", ["recording_forbidden_by_profile"]),
    # Maximum privacy: nothing through the server without the yes of both, whatever profile.
    ({"participants": 3, "privacy_class": "maximum", **BLIND}, "none", ["server_needs_yes", "maximum_privacy"]),
    (
        {"participants": 3, "privacy_class": "maximum", "server_consent": "no", **BLIND},
        "none",
        ["server_declined", "maximum_privacy"],
    ),
    (
        {"participants": 3, "privacy_class": "maximum", **AGREED},
        "sfu",
        ["three_or_more", "server_is_blind", "maximum_privacy", "server_agreed"],
    ),
    (
        {"visit_is_group": True, "privacy_class": "maximum", **BLIND},
        "p2p",
        ["one_to_one", "maximum_privacy", "more_people_may_come"],
    ),
    # Quality: only where the server is blind is nobody asked, and under kbv they are.
    ({"evidence": "server_better", **BLIND}, "sfu", ["quality_through_server", "server_is_blind"]),
    ({"evidence": "direct_failed", **BLIND}, "sfu", ["direct_path_failed", "server_is_blind"]),
    ({"evidence": "server_better", **SFU}, "p2p", ["one_to_one", "move_needs_yes"]),
    (
        {"evidence": "server_better", "server_consent": "yes", **SFU},
        "sfu",
        ["quality_through_server", "encrypted_to_server"],
    ),
    ({"evidence": "server_better", "profile": "kbv", **BLIND}, "p2p", ["one_to_one", "move_needs_yes"]),
    (
        {"evidence": "server_better", "profile": "kbv", **AGREED},
        "sfu",
        ["quality_through_server", "server_is_blind", "server_agreed"],
    ),
    ({"evidence": "server_better", "profile": "kbv", **SFU}, "p2p", ["one_to_one"]),
    ({"evidence": "server_better", "privacy_class": "maximum", **BLIND}, "p2p", ["one_to_one", "maximum_privacy"]),
    ({"evidence": "server_better"}, "p2p", ["one_to_one"]),
    ({"evidence": "server_better", "server_refusal": "sfu_full", **BLIND}, "p2p", ["one_to_one"]),
    ({"evidence": "server_better", "server_load_percent": 80, **BLIND}, "p2p", ["one_to_one", "server_busy"]),
    (
        {"evidence": "direct_failed", "server_load_percent": 99, **BLIND},
        "sfu",
        ["direct_path_failed", "server_is_blind"],
    ),
    # Admission control is about visits that the server would have to take in.
    ({"participants": 3, "server_refusal": "sfu_full", **SFU}, "none", ["sfu_full"]),
    ({"participants": 3, "server_refusal": "sfu_draining", **SFU}, "none", ["sfu_draining"]),
    (
        {"participants": 3, "server_refusal": "sfu_full", "on_server": True, **SFU},
        "sfu",
        ["three_or_more", "encrypted_to_server"],
    ),
    ({"server_refusal": "sfu_full", **SFU}, "p2p", ["one_to_one"]),
    # Relay-only hides one person from the other, so on the server it asks for nothing.
    (
        {"participants": 3, "relay_only_by_patient": True, **SFU},
        "sfu",
        ["three_or_more", "encrypted_to_server", "addresses_hidden_by_server"],
    ),
    (
        {"participants": 3, "relay_only_by_clinic": True, "turn_available": False, **SFU},
        "sfu",
        ["three_or_more", "encrypted_to_server", "addresses_hidden_by_server", "no_relay_configured"],
    ),
    (
        {"participants": 3, "relay_only_by_clinic": True, "turn_available": False},
        "none",
        ["three_or_more_need_server", "relay_only_by_clinic", "no_relay_configured"],
    ),
]

facts_of_any_visit = st.builds(
    Facts,
    participants=st.integers(0, 30),
    seats=st.integers(0, 30),
    visit_is_group=st.booleans(),
    privacy_class=st.sampled_from(PRIVACY_CLASSES),
    profile=st.sampled_from(PROFILES),
    recording=st.sampled_from(RECORDINGS),
    ai_active=st.booleans(),
    relay_only_by_clinic=st.booleans(),
    relay_only_by_patient=st.booleans(),
    turn_available=st.booleans(),
    sfu_available=st.booleans(),
    browsers_encrypt=st.booleans(),
    server_refusal=st.sampled_from(SERVER_REFUSALS),
    server_load_percent=st.integers(0, 200),
    on_server=st.booleans(),
    server_consent=st.sampled_from(SERVER_CONSENTS),
    evidence=st.sampled_from(EVIDENCE),
)


@pytest.mark.parametrize(("changes", "route", "codes"), TABLE)
def test_it_decides_by_the_table(changes, route, codes):
    decision = decide(dataclasses.replace(Facts(participants=2), **changes))
    assert (decision.route, [reason.code for reason in decision.reasons]) == (route, codes)
    assert decision.refusal == (route == "none")


def test_every_rule_and_condition_is_reached_by_the_table():
    assert {code for _, _, codes in TABLE for code in codes} == set(REASON_CODES)


@given(facts_of_any_visit)
def test_every_combination_is_one_route_or_one_refusal_with_a_reason(facts):
    decision = decide(facts)
    assert decision.route in {"p2p", "sfu", "none"}, "never a server that mixes"
    assert decision.refusal == (decision.route == "none")
    rules = {rule.code: rule.route for rule in ROUTE_RULES}
    assert rules[decision.reasons[0].code] == decision.route
    assert not any(reason.code in rules for reason in decision.reasons[1:])


@given(facts_of_any_visit)
def test_maximum_privacy_touches_no_server_without_the_yes_of_both(facts):
    if facts.privacy_class == "maximum" and facts.server_consent != "yes":
        assert decide(facts).route != "sfu"


@given(facts_of_any_visit)
def test_under_kbv_quality_alone_moves_nobody_who_was_not_asked(facts):
    calm = dataclasses.replace(facts, evidence="")
    if facts.profile == "kbv" and facts.server_consent != "yes" and decide(calm).route == "p2p":
        assert decide(facts).route == "p2p"


@given(facts_of_any_visit)
def test_evidence_never_refuses_a_visit_that_runs_without_it(facts):
    if not decide(dataclasses.replace(facts, evidence="")).refusal and facts.turn_available:
        assert not decide(facts).refusal


@given(facts_of_any_visit)
def test_nothing_is_recorded_in_a_browser(facts):
    if facts.recording == "client":
        assert decide(facts).refusal


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
    assert (decision.ice_transport_policy == "relay") == (wanted and decision.route != "sfu")
    if wanted and not facts.turn_available:
        assert decision.route != "p2p"


@given(facts_of_any_visit)
def test_a_full_server_takes_nobody_in_and_sends_nobody_away(facts):
    decision = decide(facts)
    if facts.server_refusal and not facts.on_server:
        assert decision.route != "sfu"
    if facts.on_server and facts.evidence != "server_failed":
        assert decision == decide(dataclasses.replace(facts, server_refusal=""))


@given(facts_of_any_visit)
def test_a_visit_on_the_server_stays_there_when_people_leave(facts):
    if decide(facts).route == "sfu":
        for left in range(facts.participants + 1):
            fewer = dataclasses.replace(
                facts, participants=left, on_server=True, recording="", ai_active=False, evidence=""
            )
            assert decide(fewer).route == "sfu"


@given(facts_of_any_visit)
def test_who_is_told_that_the_server_could_read_is_on_a_server_that_could(facts):
    decision = decide(facts)
    codes = [reason.code for reason in decision.reasons]
    assert not (facts.sfu_is_blind and (facts.recording or facts.ai_active)), "a recorder has keys"
    assert ("encrypted_to_server" in codes) == (decision.route == "sfu" and not facts.sfu_is_blind)
    assert ("server_is_blind" in codes) == (decision.route == "sfu" and facts.sfu_is_blind)


@given(facts_of_any_visit)
def test_the_same_facts_give_the_same_known_reasons_once_each(facts):
    decision = decide(facts)
    codes = [reason.code for reason in decision.reasons]
    assert decision == decide(facts)
    assert len(codes) == len(set(codes))
    assert set(codes) <= set(REASON_CODES)


@pytest.mark.parametrize(
    "wrong",
    [
        {"participants": -1},
        {"seats": -1},
        {"privacy_class": "low"},
        {"profile": "none"},
        {"server_refusal": "no"},
        {"recording": True},
        {"evidence": "rain"},
        {"server_consent": ""},
    ],
)
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
