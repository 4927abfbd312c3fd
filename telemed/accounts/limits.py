"""Counting limits in the shared cache, for everything that could be tried many times (SEC-17)."""

import hashlib
import hmac
from contextlib import suppress

from django.conf import settings
from django.core.cache import cache


def allow(scope: str, key: str, limit: int, window_s: int) -> bool:
    """Count one try of `key` in `scope` and return whether it is among the first `limit`.

    The window opens with the first try and closes `window_s` seconds later; refused tries do not lengthen it.
    Atomic across processes when the cache is shared. Cost: two cache calls.
    """
    name = _cache_key(scope, key)
    for _ in range(3):
        cache.add(name, 0, timeout=window_s)
        try:
            return cache.incr(name) <= limit
        except ValueError:
            continue  # the window closed between the two calls
    return False


def refund(scope: str, key: str) -> None:
    """Take one try back: it succeeded, and only failures are counted."""
    with suppress(ValueError):  # the window has closed
        cache.decr(_cache_key(scope, key))


def forget(scope: str, key: str) -> None:
    """Close the window of `key` now."""
    cache.delete(_cache_key(scope, key))


def _cache_key(scope: str, key: str) -> str:
    # Keyed: the cache shall hold neither addresses nor e-mail addresses.
    digest = hmac.new(settings.SECRET_KEY.encode(), key.encode(), hashlib.sha256).hexdigest()
    return f"limit:{scope}:{digest}"
