"""The words for routing reasons (docs/ROUTING.md has the codes). Written for the people in the visit."""

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

TEXTS: dict[str, str | Promise] = {
    "one_to_one": _("You are two people, so your devices are connected directly to each other."),
    "three_or_more": _("You are three or more people, so the clinic's media server passes everything on."),
    "group_visit": _("This visit is meant for several people, so the clinic's media server passes everything on."),
    "stays_on_server": _(
        "The visit goes on through the clinic's media server. It returns to the direct connection when that is good again."
    ),
    "direct_path_failed": _("The direct connection did not work, so the visit goes through the clinic's media server."),
    "quality_through_server": _(
        "The direct connection was poor and the clinic's media server measured better, so the visit goes through it."
    ),
    "server_agreed": _("You both agreed to the clinic's media server in this visit."),
    "move_needs_yes": _("The clinic's media server would help. It is used only if you both agree."),
    "server_busy": _("The clinic's media server is busy, so the direct connection goes on."),
    "server_needs_yes": _(
        "In a visit of the highest privacy, practitioner and patient must both agree before it goes through the clinic's"
        " media server. You are asked now; let the person in when both have agreed."
    ),
    "server_declined": _("Somebody said no to the clinic's media server, so no third person can join this visit."),
    "client_recording_refused": _(
        "A recording in one person's browser is not allowed: it would stop with that browser, and the file would be with"
        " one person."
    ),
    "encrypted_to_server": _("Picture and sound are encrypted as far as the clinic's server, which passes them on."),
    "server_is_blind": _(
        "Picture and sound are encrypted from person to person. The server passes on what it cannot see or hear."
    ),
    "addresses_hidden_by_server": _(
        "Everybody is connected to the clinic's server only, so nobody learns your address."
    ),
    "sfu_full": _("The clinic's media server is full at the moment. Please try again in a few minutes."),
    "sfu_draining": _("The clinic's media server is being restarted. Please try again in a minute."),
    "recording_through_server": _("This visit is being recorded, so it goes through the clinic's media server."),
    "ai_through_server": _("An assistant is listening, so the visit goes through the clinic's media server."),
    "relay_only_by_clinic": _("Your clinic hides everybody's network address, so the visit goes through its relay."),
    "relay_only_by_patient": _(
        "The patient hides their network address, so the visit goes through the clinic's relay."
    ),
    "maximum_privacy": _("This kind of visit has the highest privacy: no server may ever read picture or sound."),
    "no_relay_configured": _("The clinic has no relay. On some networks the connection may not succeed."),
    "more_people_may_come": _("More people may join. The connection is chosen anew when the third person comes."),
    "recording_forbidden_by_profile": _("Recording is not allowed under the rules that apply to this clinic."),
    "ai_forbidden_by_profile": _("Assistants may not listen under the rules that apply to this clinic."),
    "recording_forbidden_by_privacy_class": _("A visit of the highest privacy is never recorded."),
    "ai_forbidden_by_privacy_class": _("No assistant listens in a visit of the highest privacy."),
    "relay_required_but_missing": _(
        "Network addresses must be hidden, but the clinic has no relay. The visit cannot be connected; please phone."
    ),
    "recording_needs_server": _("Recording needs a media server, and this clinic has none."),
    "ai_needs_server": _("An assistant needs a media server, and this clinic has none."),
    "three_or_more_need_server": _("Three or more people need a media server, and this clinic has none."),
    "server_must_be_blind": _(
        "The rules of this visit forbid a server that could read picture or sound. The visit cannot be connected so."
    ),
}

# What is tried, asked and found out while the visit runs (media_routing/policy/switching.py).
STEPS: dict[str, str | Promise] = {
    "direct_unacceptable": _(
        "The direct connection is poor. The way through the clinic's media server is being tried."
    ),
    "server_unacceptable": _(
        "The way through the clinic's media server is poor. The direct connection is being tried."
    ),
    "person_says_so": _("Somebody said that they cannot see or hear well. Another way is being tried."),
    "direct_tried": _("The connection has been good for a while. The direct connection is being tried again."),
    "direct_failed": _("The direct connection does not work. The clinic's media server could carry the visit."),
    "third_person": _("For one more person the visit must go through the clinic's media server."),
    "last_mile": _("The other way was no better: the internet connection of one person is too weak."),
    "not_better": _("The other way was no better, so the visit stays where it is."),
    "not_reached": _("The other way could not be used, so the visit stays where it is."),
    "recovered": _("The connection became good again by itself."),
    "direct_not_good": _("The direct connection is not good yet, so the visit stays on the clinic's media server."),
    "people_changed": _("Somebody came or left, so the connection was chosen anew."),
    "poor_and_declined": _(
        "The connection is poor. Somebody said no to the clinic's media server, so it stays direct."
    ),
    "poor_and_no_server": _("The connection is poor, and there is no other way for this visit at the moment."),
    "use_phone": _("Picture and sound do not get through. Please go on by phone."),
    "no_sound": _("Somebody said: I cannot hear you."),
    "no_picture": _("Somebody said: I cannot see you."),
    "breaks_up": _("Somebody said: it keeps breaking up."),
    "said_yes": _("Agreed to the clinic's media server."),
    "said_no": _("Said no to the clinic's media server."),
}

# Why something is asked: nothing is tried before both have answered.
QUESTIONS: dict[str, str | Promise] = {
    "direct_unacceptable": _(
        "The direct connection is poor. The clinic's media server may carry picture and sound better."
    ),
    "person_says_so": _(
        "Somebody said that they cannot see or hear well. The clinic's media server may carry picture and sound better."
    ),
}

# What is said to the person whose line it is.
OWN: dict[str, str | Promise] = {
    "last_mile": _(
        "Your internet connection is weak, and another way would not help. The picture is made smaller so that the sound"
        " stays. It may help to go nearer to the router or to close other programs."
    ),
}


def describe_question(code: str) -> str:
    """Return why people are asked about the media server, in the active language."""
    return str(QUESTIONS.get(code) or describe(code))


def describe_advice(code: str, *, own: bool) -> str:
    """Return what limits and what is done about it, in the active language. `own`: to the person whose line it is."""
    return str(OWN[code]) if own and code in OWN else describe(code)


def describe(code: str, params: Mapping[str, Any] | None = None) -> str:
    """Return the sentence for a reason in the active language; the code itself when it has no words yet."""
    return str(TEXTS.get(code) or STEPS.get(code, code))
