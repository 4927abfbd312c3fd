"""Every decision about a visit's path must have a stored reason that somebody can read: asked of every server that a test ran."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from consultations.rooms import reasons

# What is tried and said while a visit runs has a table of its own.
WORDS = reasons.TEXTS.keys() | reasons.STEPS.keys()
ROWS = (
    "SELECT room_id, trigger, route, reasons FROM rooms_routedecision WHERE trigger NOT LIKE 'path.%' ORDER BY at, id"
)
ROOMS = "SELECT id, route, route_reasons FROM rooms_room WHERE route <> ''"
# Says where a visit would have had to go with one more person.
HYPOTHETICAL = "admission_refused"


def unexplained(database: Path) -> Iterator[str]:
    """Yield a sentence for each decision without a readable reason, and for each visit on a route that no row decided.

    Reads the file itself: starting Django for it would take longer than the question.
    """
    connection = sqlite3.connect(database)
    try:
        decided: dict[int, str] = {}
        for room, trigger, route, stored in connection.execute(ROWS):
            said = json.loads(stored)
            codes = [reason.get("code") for reason in said if isinstance(reason, dict)]
            if not codes or len(codes) < len(said) or not all(code in WORDS for code in codes):
                yield f"{trigger} to {route} in visit {room} has no readable reason: {stored}"
            if trigger != HYPOTHETICAL:
                decided[room] = route
        for room, route, stored in connection.execute(ROOMS):
            if decided.get(room) != route or not json.loads(stored):
                yield f"visit {room} is on {route}, decided was {decided.get(room)}, because of {stored}"
    finally:
        connection.close()
