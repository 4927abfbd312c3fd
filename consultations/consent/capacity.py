"""Who may say yes for whom (CLIN-5). Pure."""

from datetime import date
from typing import Final

# GDPR Art. 8(1): the age from which a child consents alone where the Member State set no other.
ADULT_ENOUGH_YEARS: Final = 16
FOR_ANOTHER: Final = frozenset({"guardian", "carer"})


def age_years(birth_date: date, on: date) -> int:
    """Return whole years; who was born on 29 February is a year older on 1 March."""
    return on.year - birth_date.year - ((on.month, on.day) < (birth_date.month, birth_date.day))


def may_decide(capacity: str, birth_date: date | None, on: date) -> bool:
    """Return whether `capacity` is enough to let this person be captured; None: no date of birth is known.

    A child's own yes is not enough. A no always counts, whoever says it.
    """
    if capacity in FOR_ANOTHER:
        return True
    return birth_date is None or age_years(birth_date, on) >= ADULT_ENOUGH_YEARS
