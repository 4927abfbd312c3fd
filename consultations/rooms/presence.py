"""Who is connected right now: a hint with a time limit, kept in the cache so that any process can ask.

Losing it changes nothing that counts: states live in the database.
"""

from collections.abc import Iterable, Mapping

from django.core.cache import cache

# Two missed pings of 10 s and some air. Longer: a lost browser looks present; shorter: a slow one flickers.
PRESENT_FOR_S = 25


def mark_present(participant_id: str, page: str) -> bool:
    """Remember that `page` holds the seat. Return whether that is news to the others."""
    key = _key(participant_id)
    before = cache.get(key)
    cache.set(key, page, timeout=PRESENT_FOR_S)
    return bool(before != page)


def mark_all_present(pages: Mapping[str, str]) -> set[str]:
    """`mark_present` for many (participant id -> page): return whose presence is news. Two calls to the cache."""
    before = present_pages(pages)
    cache.set_many({_key(participant_id): page for participant_id, page in pages.items()}, timeout=PRESENT_FOR_S)
    return {participant_id for participant_id, page in pages.items() if before.get(participant_id) != page}


def mark_gone(participant_id: str, page: str) -> bool:
    """Forget `page` unless a newer page took over. Return whether that is news to the others."""
    key = _key(participant_id)
    if cache.get(key) != page:
        return False
    cache.delete(key)
    return True


def present_pages(participant_ids: Iterable[str]) -> dict[str, str]:
    """Return the page of everybody who is connected. One call to the cache."""
    keys = {_key(participant_id): participant_id for participant_id in participant_ids}
    return {keys[key]: page for key, page in cache.get_many(list(keys)).items()}


def _key(participant_id: str) -> str:
    return f"presence:{participant_id}"
