"""Settings from the environment that fail loudly: a typo stops the start, it never becomes a default.

A variable that is set but empty counts as set. Error messages name the variable and never show its value.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo


class EnvError(RuntimeError):
    """An environment variable is missing or cannot be read as what it should be."""


class _Required:
    """Marks "no default": the variable must be set."""


REQUIRED: Final = _Required()

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})


def env_str(name: str, default: str | _Required = REQUIRED, *, environ: Mapping[str, str] | None = None) -> str:
    """Return the variable's text, or `default`; raise EnvError when neither exists."""
    value = (os.environ if environ is None else environ).get(name)
    if value is not None:
        return value
    if isinstance(default, _Required):
        raise EnvError(f"{name} is not set")
    return default


def env_bool(name: str, default: bool | _Required = REQUIRED, *, environ: Mapping[str, str] | None = None) -> bool:
    """Return True for 1/true/yes/on, False for 0/false/no/off; anything else raises EnvError."""
    value = (os.environ if environ is None else environ).get(name)
    if value is None:
        if isinstance(default, _Required):
            raise EnvError(f"{name} is not set")
        return default
    word = value.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise EnvError(f"{name} must be one of 1/true/yes/on or 0/false/no/off")


def env_int(
    name: str,
    default: int | _Required = REQUIRED,
    *,
    minimum: int | None = None,
    maximum: int | None = None,
    environ: Mapping[str, str] | None = None,
) -> int:
    """Return the variable as an integer within [minimum, maximum]; raise EnvError otherwise."""
    value = (os.environ if environ is None else environ).get(name)
    if value is None:
        if isinstance(default, _Required):
            raise EnvError(f"{name} is not set")
        return default
    try:
        number = int(value)
    except ValueError:
        raise EnvError(f"{name} must be a whole number") from None
    if minimum is not None and number < minimum:
        raise EnvError(f"{name} must be at least {minimum}")
    if maximum is not None and number > maximum:
        raise EnvError(f"{name} must be at most {maximum}")
    return number


def env_time_zone(name: str, default: str | _Required = REQUIRED, *, environ: Mapping[str, str] | None = None) -> str:
    """Return the name of a time zone this machine knows, such as Europe/Berlin; raise EnvError otherwise."""
    value = env_str(name, default, environ=environ)
    try:
        return ZoneInfo(value).key
    except (LookupError, ValueError, OSError):  # unknown; no name; a directory of names
        raise EnvError(f"{name} must be a time zone such as Europe/Berlin") from None


def env_list(
    name: str, default: list[str] | _Required = REQUIRED, *, environ: Mapping[str, str] | None = None
) -> list[str]:
    """Return a comma-separated variable as a list; blanks around items are cut, empty items dropped."""
    value = (os.environ if environ is None else environ).get(name)
    if value is None:
        if isinstance(default, _Required):
            raise EnvError(f"{name} is not set")
        return list(default)
    return [item for item in (part.strip() for part in value.split(",")) if item]


def env_secret(name: str, default: str | _Required = REQUIRED, *, environ: Mapping[str, str] | None = None) -> str:
    """Return a secret from NAME, or from the file that NAME_FILE names (its last newline is cut).

    Both set, an unreadable file or an empty secret raise EnvError. A default is meant for values that the
    program generated itself (the demo's `var/`), never for a constant in the code.
    """
    env = os.environ if environ is None else environ
    file_name = env.get(f"{name}_FILE")
    if file_name is not None:
        if name in env:
            raise EnvError(f"set {name} or {name}_FILE, not both")
        try:
            value = Path(file_name).read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
        except (OSError, UnicodeDecodeError) as error:
            raise EnvError(f"{name}_FILE cannot be read ({type(error).__name__})") from None
    else:
        value = env_str(name, default, environ=env)
    if not value:
        raise EnvError(f"{name} is empty")
    return value
