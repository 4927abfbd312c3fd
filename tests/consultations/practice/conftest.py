"""These pages show a day: the tests live at noon, or they would fail on the evening before another one."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    with time_machine.travel(datetime.now(UTC).replace(hour=12, minute=0), tick=True):
        yield
