"""One JSON object read field by field: every mismatch is ProtocolError("bad_field")."""

import json
import re
from typing import Any, Final, NoReturn

MAX_SEQ: Final = 2**31

_PAGE = r"[A-Za-z0-9_-]{8,36}"
PAGE_PATTERN: Final = re.compile(_PAGE)
STREAM_PATTERN: Final = re.compile(rf"{_PAGE}\.{_PAGE}(?:\.[1-9][0-9]{{0,3}})?")
ANY_TEXT: Final = re.compile(r"[\s\S]*")
PLAIN: Final = re.compile(r"[^\x00-\x1f\x7f]*")
_PUBLIC_ID = re.compile(r"[0-9A-Za-z]{22}")
REQUEST_ID: Final = re.compile(r"[\x21-\x7e]{1,36}")


class ProtocolError(Exception):
    """The peer sent what docs/PROTOCOL.md does not allow. `fatal`: this is not our protocol at all (close 4400)."""

    def __init__(self, code: str, *, request_id: str = "", fatal: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.request_id = request_id
        self.fatal = fatal


def load_object(text: str) -> dict[str, Any]:
    """Return the one JSON object in `text`, in which no key appears twice."""
    try:
        data = json.loads(text, parse_constant=_refuse, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise ProtocolError("bad_json", fatal=True) from None
    if not isinstance(data, dict):
        raise ProtocolError("bad_message", fatal=True)
    return data


def _refuse(constant: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        raise ValueError("a key appears twice")  # two readers could see two different messages
    return data


class Fields:
    """Reads one JSON object field by field; every mismatch is ProtocolError("bad_field")."""

    def __init__(self, data: object) -> None:
        if not isinstance(data, dict):
            raise ProtocolError("bad_field")
        self._data: dict[str, object] = data

    def text(self, name: str, pattern: re.Pattern[str] = PLAIN, *, limit: int = 256) -> str:
        value = self._data.get(name)
        # Lone surrogates are valid JSON and cannot be sent on as UTF-8.
        if not isinstance(value, str) or len(value) > limit or not pattern.fullmatch(value) or _has_surrogate(value):
            raise ProtocolError("bad_field")
        return value

    def optional_text(self, name: str, *, limit: int) -> str | None:
        return None if self._data.get(name) is None else self.text(name, limit=limit)

    def number(self, name: str, low: int, high: int) -> int:
        value = self._data.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise ProtocolError("bad_field")
        return value

    def optional_number(self, name: str, low: int, high: int) -> int | None:
        return None if self._data.get(name) is None else self.number(name, low, high)

    def milliseconds(self, name: str) -> int | None:
        value = self._data.get(name)
        if value is None:
            return None
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 600_000:
            raise ProtocolError("bad_field")
        return round(value)

    def optional_amount(self, name: str, most: float) -> float | None:
        """Return a number from 0 to `most`, None for null."""
        value = self._data.get(name)
        if value is None:
            return None
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= most:
            raise ProtocolError("bad_field")
        return float(value)

    def choice(self, name: str, choices: frozenset[str]) -> str:
        value = self._data.get(name)
        if not isinstance(value, str) or value not in choices:
            raise ProtocolError("bad_field")
        return value

    def inner(self, name: str) -> "Fields":
        return Fields(self._data.get(name))

    def flag(self, name: str) -> bool:
        value = self._data.get(name)
        if not isinstance(value, bool):
            raise ProtocolError("bad_field")
        return value

    def optional_flag(self, name: str) -> bool:
        return False if self._data.get(name) is None else self.flag(name)

    def small_object(self, name: str, *, max_bytes: int) -> dict[str, object]:
        """Return an object that is handed on unread. No larger than `max_bytes` when it is written down again."""
        value = self._data.get(name)
        if not isinstance(value, dict):
            raise ProtocolError("bad_field")
        try:
            size_bytes = len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
        except (UnicodeEncodeError, RecursionError):
            raise ProtocolError("bad_field") from None
        if size_bytes > max_bytes:
            raise ProtocolError("bad_field")
        return value

    def items(self, name: str, *, limit: int) -> "list[Fields]":
        """Return the objects of a list of at most `limit`."""
        return [Fields(item) for item in self.raw_list(name, limit=limit)]

    def choices(self, name: str, choices: frozenset[str]) -> tuple[str, ...]:
        """Return a list of different words out of `choices`."""
        values = self.raw_list(name, limit=len(choices))
        if not all(isinstance(value, str) and value in choices for value in values) or len(set(values)) != len(values):
            raise ProtocolError("bad_field")
        return tuple(str(value) for value in values)

    def raw_list(self, name: str, *, limit: int) -> list[object]:
        values = self._data.get(name)
        if not isinstance(values, list) or len(values) > limit:
            raise ProtocolError("bad_field")
        return values

    def map_of(self, name: str, keys: re.Pattern[str], choices: frozenset[str]) -> dict[str, str]:
        """Return an object whose keys match `keys`; its values are different words out of `choices`."""
        data = self._data.get(name)
        if not isinstance(data, dict) or not 1 <= len(data) <= len(choices):
            raise ProtocolError("bad_field")
        inner = Fields(data)
        found = {key: inner.choice(key, choices) for key in data if keys.fullmatch(key)}
        if len(found) != len(data) or len(set(found.values())) != len(found):
            raise ProtocolError("bad_field")
        return found

    def is_null(self, name: str) -> bool:
        return name in self._data and self._data[name] is None

    def is_missing(self, name: str) -> bool:
        return self._data.get(name) is None

    def public_id(self, name: str) -> str:
        return self.text(name, _PUBLIC_ID)

    def public_id_or(self, name: str, word: str) -> str:
        return word if self._data.get(name) == word else self.public_id(name)

    def request_id(self) -> str:
        return self.text("id", REQUEST_ID)


def _has_surrogate(value: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in value) if not value.isascii() else False
