"""The demo's environment, set before Django reads its settings. manage.py calls it for `demo` only."""

import argparse
import os
import socket
from collections.abc import Sequence
from pathlib import Path

HOST = "127.0.0.1"
_REAL_CLINIC = (
    "SECRET_KEY",
    "FIELD_KEYS",
    "BLIND_INDEX_KEY",
    "DATABASE_URL",
    "REDIS_URL",
    "EMAIL_BACKEND",
    "SMS_BACKEND",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")), help="0 picks a free one")
    parser.add_argument("--host", default=HOST, help="a loopback address; anything else is refused")
    parser.add_argument("--json", action="store_true", help="print one line of JSON when ready, nothing else")


def prepare(arguments: Sequence[str]) -> list[str]:
    """Set DEMO, the addresses that fit the port, and a database beside the demo's secrets.

    Returns the arguments with the port that was chosen. Wrong arguments pass through: the command explains them.
    """
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    add_arguments(parser)
    try:
        known, others = parser.parse_known_args(list(arguments))
    except (argparse.ArgumentError, SystemExit):
        known = None
    port = (known.port or _free_port()) if known else 8000
    var = Path(os.environ.get("TELEMED_VAR_DIR", Path(__file__).resolve().parents[2] / "var"))
    os.environ["DEBUG"] = "0"
    if os.environ.get("DEMO") != "1":
        # Never the keys, database, cache or broker that somebody set for a real clinic. Who set DEMO=1 as well means it.
        for name in _REAL_CLINIC:
            os.environ.pop(name, None)
            os.environ.pop(f"{name}_FILE", None)
        os.environ["DATABASE_URL"] = f"sqlite://{(var / 'demo.sqlite3').resolve()}"
    os.environ["DEMO"] = "1"
    # Passkeys work on the name localhost, not on its number.
    os.environ["PUBLIC_BASE_URL"] = f"http://localhost:{port}"
    os.environ["EXTRA_ALLOWED_HOSTS"] = HOST
    os.environ["EXTRA_ORIGINS"] = f"http://{HOST}:{port}"
    if known is None:
        return list(arguments)
    json_flag = ["--json"] if known.json else []
    return ["--port", str(port), "--host", known.host, *json_flag, *others]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
