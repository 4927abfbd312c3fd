"""The story's events as sentences for people who never saw the code: what happened, and why."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from consultations.rooms import reasons
from consultations.rooms.models import Participant
from consultations.rooms.story.facts import Person
from consultations.rooms.story.timeline import Event

Words = str | Promise

WAYS: dict[str, Words] = {
    "waiting": gettext_lazy("Waiting for the other person"),
    "connecting": gettext_lazy("Connecting"),
    "direct": gettext_lazy("Direct"),
    "relay": gettext_lazy("Through a relay"),
    "server": gettext_lazy("Clinic's server"),
    "lost": gettext_lazy("Connection lost"),
    "refused": gettext_lazy("Not allowed"),
}
WAY_MEANINGS: dict[str, Words] = {
    "waiting": gettext_lazy("One person was alone in the visit."),
    "connecting": gettext_lazy("The devices were looking for a way to each other."),
    "direct": gettext_lazy("Picture and sound went from one device straight to the other."),
    "relay": gettext_lazy(
        "No direct way was found or wanted, so a relay of the clinic passed on what it cannot read. Relayed minutes cost the clinic bandwidth."
    ),
    "server": gettext_lazy(
        "The clinic's media server passed picture and sound on. It is used for three or more people, for recordings, and when the direct way is bad."
    ),
    "lost": gettext_lazy("Nothing came through. The devices tried to connect again by themselves."),
    "refused": gettext_lazy("The rules of the clinic or of the visit allowed no connection."),
}
BANDS: dict[str, Words] = {
    "good": gettext_lazy("good"),
    "fair": gettext_lazy("fair"),
    "poor": gettext_lazy("poor"),
    "": gettext_lazy("not measured"),
}
MEDIA: dict[str, Words] = {"audio": gettext_lazy("Sound"), "video": gettext_lazy("Picture")}
FACTORS: dict[str, Words] = {
    "rtt": gettext_lazy("it took too long for sound to travel there and back"),
    "loss": gettext_lazy("the network lost too much of what was sent"),
    "jitter": gettext_lazy("the network delivered unevenly"),
    "bitrate": gettext_lazy("the network carried too little"),
    "frames": gettext_lazy("too few pictures a second arrived"),
    "freeze": gettext_lazy("the picture stood still"),
    "sound": gettext_lazy("gaps in the sound had to be filled"),
}
REMEDIES: dict[str, Words] = {
    "lowered": gettext_lazy("sends a smaller picture, because the line is thin"),
    "audio_first": gettext_lazy("sends sound first and only as much picture as is left"),
    "audio_only": gettext_lazy("sends sound only, because the line carries no picture"),
}
_ENDS: dict[str, Words] = {
    "host": gettext_lazy("in the same network"),
    "srflx": gettext_lazy("over the internet"),
    "prflx": gettext_lazy("over the internet"),
    "relay": pgettext_lazy("connected", "through a relay"),
}
_TROUBLES: dict[str, Words] = {
    "no_sound": gettext_lazy("I cannot hear you"),
    "no_picture": gettext_lazy("I cannot see you"),
    "breaks_up": gettext_lazy("It breaks up"),
}
_ARRIVALS: dict[str, Words] = {
    "opened": gettext_lazy("The practitioner opened the visit"),
    "staff_entered": gettext_lazy("The practitioner came into the visit"),
    "admitted": gettext_lazy("{who} was let in"),
    "came_back": gettext_lazy("{who} came back"),
    "left": gettext_lazy("{who} left"),
    "removed": gettext_lazy("{who} was removed from the visit"),
}
DECIDED: dict[str, Words] = {
    "recording": gettext_lazy("A recording began, paused or ended"),
    "relay_only_switched": gettext_lazy("Somebody switched hiding their network address on or off"),
    "quality": gettext_lazy("The connection had been bad for too long"),
    "recovered": gettext_lazy("The direct way is good again"),
    "direct_failed": gettext_lazy("The direct way did not connect"),
    "probe": gettext_lazy("Another way is tried beside the one in use"),
    "probe_ended": gettext_lazy("The other way is no longer tried"),
    "advice": gettext_lazy("The people in the visit were told what limits the connection"),
}
# The visit's own texts speak to the people in it. Here somebody reads them who was not there.
_WHY: dict[str, Words] = {
    "one_to_one": gettext_lazy("For two people the devices are connected directly to each other."),
    "three_or_more": gettext_lazy("For three or more people the clinic's media server passes everything on."),
    "addresses_hidden_by_server": gettext_lazy(
        "Everybody is connected to the clinic's server only, so nobody learns anybody's network address."
    ),
    "sfu_full": gettext_lazy("The clinic's media server could not carry one more visit at that moment."),
    "sfu_draining": gettext_lazy("The clinic's media server was being restarted at that moment."),
    "relay_only_by_clinic": gettext_lazy("The clinic hides everybody's network address: only through its relay."),
    "relay_required_but_missing": gettext_lazy(
        "Network addresses must be hidden, but the clinic has no relay. So no connection is allowed."
    ),
}


def who(people: Iterable[Person]) -> str:
    """Return the people by their part in the visit: "Patient", "Relative 2"; "Somebody" when nobody is known."""
    names = [name_of(person) for person in people]
    return _(" and ").join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names) or _("Somebody")


def name_of(person: Person) -> str:
    label = str(Participant.Role(person.role).label)
    return f"{label} {person.number}" if person.number else label


def clock(at: datetime, zone: ZoneInfo) -> str:
    """Return the moment as the viewer's clock shows it, with seconds."""
    return at.astimezone(zone).strftime("%H:%M:%S")


def headline(event: Event) -> str:
    """Return what happened, as one sentence without its end."""
    match event.kind:
        case "people":
            text = str(_ARRIVALS[event.trigger]).format(who=who(event.people))
        case "refused" if event.trigger == "admission_refused":
            text = _("{who} could not be let in").format(who=who(event.people))
        case "refused":
            text = _("No connection is allowed")
        case "question":
            text = _question(event)
        case "trouble":
            text = _("{who} said: “{words}”").format(who=who(event.people), words=_trouble(event))
        case "connected":
            text = _("{who}: connected {way}").format(who=who(event.people), way=way_inside(event.route))
        case "lost":
            text = _("{who}: connection lost").format(who=who(event.people))
        case "failed":
            text = _("{who}: no connection found").format(who=who(event.people))
        case "connecting":
            text = _("{who}: connecting").format(who=who(event.people))
        case "poor":
            text = _("{who}: {medium} was poor").format(who=who(event.people), medium=MEDIA[event.medium])
        case "better":
            text = _("{who}: better again").format(who=who(event.people))
        case "remedy":
            text = _("{who}: the device {remedy}").format(who=who(event.people), remedy=REMEDIES[event.remedy])
        case _:
            text = str(DECIDED.get(event.trigger, _("The connection was decided anew")))
    if event.moved:
        target = (
            _("the visit moves to the clinic's server")
            if event.route == "sfu"
            else _("the visit moves to the direct way")
        )
        text = f"{text}: {target}"
    return capfirst(text)


def why(event: Event) -> list[str]:
    """Return the reasons in order, each a sentence; the decisive one first."""
    if event.ends:
        return [_ends(event)] if event.kind == "connected" and any(here for _, here, *_ in event.ends) else []
    if event.kind == "poor" and event.factor:
        return [_("Because {factor}.").format(factor=FACTORS[event.factor])]
    said = _TROUBLES.keys() | {"said_yes", "said_no"}  # the headline says it
    return [reason_words(reason) for reason in event.reasons if reason.get("code") and reason["code"] not in said]


def reason_words(reason: Mapping[str, Any]) -> str:
    """Return the sentence of one stored reason, as an outsider reads it."""
    code = str(reason["code"])
    return str(_WHY[code]) if code in _WHY else reasons.describe(code, reason.get("params") or {})


def way_inside(way: str) -> str:
    """Return the way for the middle of a sentence."""
    return {
        "direct": pgettext("connected", "directly"),
        "relay": pgettext("connected", "through a relay"),
        "server": pgettext("connected", "through the clinic's server"),
    }.get(way, _("the way is not known"))


def _ends(event: Event) -> str:
    parts = [
        f"{name_of(person)} {_ENDS[here]}" + (f" ({region})" if region else "")
        for person, here, _there, region in event.ends
        if here in _ENDS
    ]
    return _("How each was reached: {ends}.").format(ends=", ".join(parts))


def _trouble(event: Event) -> str:
    return next((str(_TROUBLES[code]) for code in _codes(event) if code in _TROUBLES), _("Something is wrong"))


def _question(event: Event) -> str:
    if event.trigger == "asked":
        return _("Everybody was asked whether the visit may move")
    answers = {"said_yes": _("yes"), "said_no": _("no")}
    answer = next((answers[code] for code in _codes(event) if code in answers), None)
    return (
        _("{who} answered: {answer}").format(who=who(event.people), answer=answer) if answer else _("All have answered")
    )


def _codes(event: Event) -> list[str]:
    return [str(reason.get("code", "")) for reason in event.reasons]
