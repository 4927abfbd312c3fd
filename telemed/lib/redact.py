"""A wrapper for values that must not reach a log, an error page or a debugger by accident."""

from typing import Any, Generic, NoReturn, TypeVar

T = TypeVar("T")

MASK = "•••"


class Sensitive(Generic[T]):
    """Holds one value and shows `•••` wherever Python would print it.

    `reveal()` is the only way to the value, so every use can be found by searching for that word.
    Pickling is refused: a pickled copy would carry the value into queues and caches.
    """

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value = value

    def reveal(self) -> T:
        """Return the value itself. The caller answers for where it goes."""
        return self._value

    def __repr__(self) -> str:
        return MASK

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return MASK

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Sensitive):
            return bool(self._value == other._value)
        return NotImplemented

    def __hash__(self) -> int:
        return hash((Sensitive, self._value))

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("a Sensitive value cannot be pickled or copied")
