"""REL-3: 200 bookings of one slot at once, round after round, on both databases."""

from collections import Counter
from datetime import timedelta

import pytest

from tests.consultations.appointments.test_concurrent_booking import CROWD, Desk, _all_at_once, _in_days, desk
from tests.evidence import write_evidence
from tests.soak import scaled

__all__ = ["desk"]  # the fixture: one server per database
ROUNDS = 100


@pytest.mark.soak
def test_every_round_has_one_winner(desk: Desk) -> None:
    rounds, answers = scaled(ROUNDS), Counter()
    for number in range(rounds):
        slot = _in_days(3 + number // 8, 8) + timedelta(hours=number % 8)
        wants = [desk.booking(number * CROWD + person, slot) for person in range(CROWD)]
        statuses = Counter(
            status
            for status, _ in _all_at_once(
                CROWD, lambda person, wants=wants: desk.post("/appointments/new/", wants[person])
            )
        )
        assert statuses == {302: 1, 409: CROWD - 1}, f"round {number}"
        answers += statuses
    database = desk.database_url.partition(":")[0]
    measured = {"rounds": rounds, "crowd": CROWD, "answers": {str(code): count for code, count in answers.items()}}
    write_evidence(f"concurrent_bookings_{database}", "REL-3", {"database": database, **measured})
