"""The clinic's numbers as a page shows them: tiles, and tables whose bars are drawn on the server."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from consultations.rooms.relay_use import RelayUse
from consultations.rooms.story.counting import SEVERAL, Numbers, Share
from consultations.rooms.story.summary import duration, percent
from consultations.rooms.story.words import DECIDED, WAYS, Words, reason_words

BAR_WIDTH = 120
_ROUTES: dict[str, Words] = {
    "direct": WAYS["direct"],
    "relay": WAYS["relay"],
    "server": WAYS["server"],
    SEVERAL: gettext_lazy("Moved during the visit"),
    "": gettext_lazy("Never connected"),
}
_NETWORKS: dict[str, Words] = {
    "same": gettext_lazy("Reached in the same network"),
    "internet": gettext_lazy("Reached over the internet"),
    "relay": gettext_lazy("Reached through a relay only"),
    "": gettext_lazy("Not known"),
}
_DEVICES: dict[str, Words] = {
    "phone": gettext_lazy("Phone"),
    "tablet": gettext_lazy("Tablet"),
    "computer": gettext_lazy("Computer"),
    "": gettext_lazy("Not known"),
}


DEFAULT_DAYS, MAX_DAYS = 30, 92


@dataclass(frozen=True, slots=True)
class Days:
    """A range of days, both counted. `mended`: what was asked for was none, so these are the last DEFAULT_DAYS."""

    first: date
    last: date
    mended: bool = False

    @classmethod
    def read(cls, asked: Mapping[str, str], today: date) -> "Days":
        """Return the days asked for as `first` and `last` (ISO 8601)."""
        usual = (today - timedelta(days=DEFAULT_DAYS - 1), today)
        if not (asked.get("first") or asked.get("last")):
            return cls(*usual)
        try:
            first, last = (date.fromisoformat(asked.get(name, "")) for name in ("first", "last"))
        except ValueError:
            return cls(*usual, mended=True)
        fits = first <= last <= today and (last - first).days < MAX_DAYS
        return cls(first, last) if fits else cls(*usual, mended=True)

    def moments(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Return from when to before when."""
        return (
            datetime.combine(self.first, time.min, tzinfo=zone),
            datetime.combine(self.last + timedelta(days=1), time.min, tzinfo=zone),
        )


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a table: `bar` of BAR_WIDTH; `words` is what the bar shows."""

    label: str
    bar: str
    words: str


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    about: str
    head: str
    value_head: str
    lines: list[Line]
    tone: str = "done"


def describe_numbers(numbers: Numbers, relay: RelayUse) -> dict[str, Any]:
    """Return the context of the page: tiles and tables in the active language."""
    return {"tiles": _tiles(numbers, relay), "tables": _tables(numbers, relay), "bar_width": BAR_WIDTH}


def _tiles(numbers: Numbers, relay: RelayUse) -> list[dict[str, str]]:
    whole = numbers.all
    return [
        {"label": _("Visits that began"), "value": str(whole.begun), "note": _("the patient was let in")},
        {
            "label": _("Completed"),
            "value": percent(whole.ratio) if whole.begun else "–",
            "note": _("{completed} of {begun} were connected and did not end for technical reasons").format(
                completed=whole.completed, begun=whole.begun
            ),
        },
        {
            "label": _("Relay share"),
            "value": percent(relay.share) if relay.connected_s else "–",
            "note": _("of the time that devices were connected, {duration}: bandwidth to pay for").format(
                duration=duration(sum(relay.relayed_s.values()))
            ),
        },
        {
            "label": _("Moves during visits"),
            "value": str(sum(numbers.moves.values())),
            "note": _("between direct and the clinic's server"),
        },
        {
            "label": _("Failed joins"),
            "value": str(numbers.failed_joins),
            "note": _("let in and never connected, or could not be let in"),
        },
    ]


def _tables(numbers: Numbers, relay: RelayUse) -> list[Table]:
    done = _("Completed")
    return [
        Table(
            _("Completed, by way"),
            _("Which way picture and sound went."),
            _("Way"),
            done,
            _shares(numbers.by_route, _ROUTES),
        ),
        Table(
            _("Completed, by the patient's network"),
            _("How far a connection had to reach to find the patient's device."),
            _("Network"),
            done,
            _shares(numbers.by_network, _NETWORKS),
        ),
        Table(
            _("Completed, by the patient's device"),
            _("As the patient's browser said in the device check."),
            _("Device"),
            done,
            _shares(numbers.by_device, _DEVICES),
        ),
        Table(
            _("Relayed time, by region"),
            _(
                "Where the relays stand, and how long devices were connected through them: that is bandwidth to pay for."
            ),
            _("Region"),
            _("Share of connected time"),
            _regions(relay),
            "open",
        ),
        Table(
            _("Why visits moved"),
            _("Each time a visit changed between the direct way and the clinic's server while it ran."),
            _("Reason"),
            _("Times"),
            _moves(numbers.moves),
            "open",
        ),
        Table(
            _("Failed joins"),
            _("People who could not take part, and why."),
            _("Reason"),
            _("Times"),
            _failed(numbers),
            "missed",
        ),
    ]


def _shares(found: Mapping[str, Share], names: Mapping[str, Words]) -> list[Line]:
    return [
        Line(
            str(name),
            _bar(found[key].ratio),
            _("{completed} of {begun} ({share})").format(
                completed=found[key].completed, begun=found[key].begun, share=percent(found[key].ratio)
            ),
        )
        for key, name in names.items()
        if key in found
    ]


def _regions(relay: RelayUse) -> list[Line]:
    return [
        Line(
            region or _("Not known"),
            _bar(seconds / relay.connected_s),
            f"{percent(seconds / relay.connected_s)}, {duration(seconds)}",
        )
        for region, seconds in relay.relayed_s.items()
    ]


def _moves(moves: Counter[tuple[str, str]]) -> list[Line]:
    targets = {"sfu": pgettext("move", "To the clinic's server"), "p2p": pgettext("move", "To the direct way")}
    labels = {
        key: f"{targets.get(key[0], key[0])}: {DECIDED.get(key[1]) or reason_words({'code': key[1]})}" for key in moves
    }
    return _counts({labels[key]: number for key, number in moves.most_common()})


def _failed(numbers: Numbers) -> list[Line]:
    counts = {reason_words({"code": code}): number for code, number in numbers.refused.most_common()}
    if numbers.never_connected:
        counts[_("Was let in, and the device never reported a connection.")] = numbers.never_connected
    return _counts(counts)


def _counts(counts: Mapping[str, int]) -> list[Line]:
    top = max(counts.values(), default=1)
    return [
        Line(label, _bar(number / top), ngettext("%(count)d time", "%(count)d times", number) % {"count": number})
        for label, number in counts.items()
    ]


def _bar(ratio: float) -> str:
    return f"{ratio * BAR_WIDTH:.1f}"
