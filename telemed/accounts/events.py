"""What accounts tells the rest of the program. The audit log listens; accounts itself knows no log.

security_event   something to remember about an account. Arguments: event ("login.ok" ...), user (User or None when
                 nobody is known), actor (who did it, or None), outcome ("ok" or "refused"), details (dict of scalars).
                 Sent inside the transaction of the change.
sessions_ended   sessions of `user` are over: close their sockets. Arguments: user, session_keys (frozenset of session
                 keys, None for all of them), reason. Sent on commit.
"""

from typing import Any

from django.dispatch import Signal

from telemed.accounts import limits
from telemed.accounts.models import User

# A blocked guesser goes on guessing: one line of the log per window says so, a thousand would only fill it.
_BLOCK_TOLD_WINDOW_S = 5 * 60

security_event = Signal()
sessions_ended = Signal()


def announce(event: str, *, user: User | None, actor: User | None = None, outcome: str = "ok", **details: Any) -> None:
    """Send security_event."""
    security_event.send(sender=User, event=event, user=user, actor=actor, outcome=outcome, details=details)


def announce_block(user: User | None, key: str) -> None:
    """Tell that the guesser `key` (address and account) is blocked, at most once per window."""
    if limits.allow("block_told", key, 1, _BLOCK_TOLD_WINDOW_S):
        announce("login.refused", user=user, outcome="refused", reason="rate_limited")
