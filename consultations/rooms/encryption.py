"""Whether the people of a visit encrypt frames end to end, from what their browsers said of themselves. Pure.

A browser says in its device check that it cannot; staff have none, and their pages refuse to go on without. Whoever says
nothing is held to be able to: a page never sends in clear where this says "required", so a wrong guess costs a picture and
no secret.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, Protocol

REQUIRED: Final = "required"
OFF: Final = "off"


class Someone(Protocol):
    @property
    def device_check(self) -> dict[str, Any]: ...

    @property
    def admitted_at(self) -> Any: ...


def can_encrypt(device_check: Mapping[str, Any]) -> bool:
    return device_check.get("frame_encryption") is not False


def frame_encryption(people: Iterable[Someone]) -> Literal["required", "off"]:
    """Return what pages are told: "off" from the moment somebody was let in whose browser cannot, for the rest of the visit."""
    let_in = (person for person in people if person.admitted_at is not None)
    return REQUIRED if all(can_encrypt(person.device_check) for person in let_in) else OFF
