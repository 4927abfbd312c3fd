"""The words for routing reasons (docs/ROUTING.md has the codes). Written for the people in the visit."""

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

TEXTS: dict[str, str | Promise] = {
    "one_to_one": _("You are two people, so your devices are connected directly to each other."),
    "three_or_more": _("You are three or more people, so the clinic's media server passes everything on."),
    "group_visit": _("This visit is meant for several people, so the clinic's media server passes everything on."),
    "stays_on_server": _("The visit goes on through the clinic's media server, so that nobody is interrupted."),
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


def describe(code: str, params: Mapping[str, Any] | None = None) -> str:
    """Return the sentence for a reason in the active language; the code itself when it has no words yet."""
    return str(TEXTS.get(code, code))
