"""Marks a personal value that may enter the log as a keyed commitment only."""

from telemed.lib.redact import Sensitive

PrivateScalar = str | int | bool | None


class Private(Sensitive[PrivateScalar]):
    """`details={"email": Private(address)}`: the log keeps HMAC-SHA256(key of the person, value), never the value.

    The key is the subject's, else the actor's, else that of the running month, so that erasing the person (or
    the end of the month's retention) makes the commitment meaningless.
    """

    __slots__ = ()

    def __init__(self, value: PrivateScalar) -> None:
        if value is not None and not isinstance(value, str | int | bool):
            raise TypeError(f"Private holds text, whole numbers, booleans or None, not {type(value).__name__}")
        super().__init__(value)
