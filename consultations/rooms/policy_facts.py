"""A visit as the routing rules see it: numbers and switches, no names. The same for rows and for the facts of a look."""

from collections.abc import Collection, Iterable
from typing import Any, Literal, Protocol, cast

from django.conf import settings

from consultations.rooms.encryption import REQUIRED, can_encrypt, frame_encryption
from media_routing import api

# Whose visit it is: nothing goes through the media server, where that is asked, without the yes of both.
ASKED_ROLES = frozenset({"practitioner", "patient"})


class Person(Protocol):
    @property
    def role(self) -> str: ...

    @property
    def state(self) -> str: ...

    @property
    def relay_only(self) -> bool: ...

    @property
    def server_answer(self) -> str: ...

    @property
    def device_check(self) -> dict[str, Any]: ...

    @property
    def admitted_at(self) -> Any: ...


def server_consent(people: Iterable[Person]) -> Literal["unasked", "yes", "no"]:
    """Return what both said to the media server in this visit. Who left for a moment is still one of the two."""
    asked = [
        one for one in people if one.role in ASKED_ROLES and one.admitted_at is not None and one.state != "removed"
    ]
    if any(one.server_answer == "no" for one in asked):
        return "no"
    both = {one.role for one in asked} >= ASKED_ROLES
    return "yes" if both and all(one.server_answer == "yes" for one in asked) else "unasked"


def policy_facts(
    people: Collection[Person],
    present: Collection[Person],
    *,
    seats: int,
    visit_is_group: bool,
    privacy_class: str,
    profile: str,
    recorded: bool,
    relay_only_by_clinic: bool,
    turn_available: bool,
    on_server: bool,
    joining: int = 0,
    server_refusal: api.ServerRefusal = "",
    server_load_percent: int = 0,
    evidence: api.Evidence = "",
    if_agreed: bool = False,
) -> api.Facts:
    """`people`: everybody of the visit, `present`: who exchanges media, or would. `if_agreed`: had they said yes who did not
    say no to the server."""
    consent = server_consent(people)
    return api.Facts(
        participants=len(present) + joining,
        seats=seats,
        visit_is_group=visit_is_group,
        privacy_class=cast(Literal["standard", "maximum"], privacy_class),
        profile=cast(Literal["kbv", "hipaa", "gdpr"], profile),
        recording="server" if recorded else "",
        relay_only_by_clinic=relay_only_by_clinic,
        relay_only_by_patient=any(person.relay_only for person in people),
        turn_available=turn_available,
        sfu_available=settings.SFU_ENABLED,
        server_refusal=server_refusal,
        server_load_percent=server_load_percent,
        browsers_encrypt=all(can_encrypt(person.device_check) for person in present)
        and frame_encryption(people) == REQUIRED,
        on_server=on_server,
        server_consent="yes" if if_agreed and consent != "no" else consent,
        evidence=evidence,
    )
