"""Hooks by which other apps take part in the life of a staff session."""

from collections.abc import Callable

from telemed.accounts.models import User

BusyHook = Callable[[User], bool]
_busy_hooks: list[BusyHook] = []


def register_busy_hook(hook: BusyHook) -> BusyHook:
    """Postpone idle log-off while `hook(user)` is true (the user is in a call). Call it from AppConfig.ready()."""
    if hook not in _busy_hooks:
        _busy_hooks.append(hook)
    return hook


def is_busy(user: User) -> bool:
    """Return whether any hook says that the user must not be logged off now."""
    return any(hook(user) for hook in _busy_hooks)
