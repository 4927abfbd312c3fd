"""Secrets that a demo or a test run makes for itself."""

import base64
import json
import os
import secrets
from pathlib import Path


def load_into_environment(path: Path) -> None:
    """Set SECRET_KEY, FIELD_KEYS and BLIND_INDEX_KEY from `path` (made with mode 0600 if absent), unless already set."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        _create(path)
    for name, value in json.loads(path.read_text()).items():
        os.environ.setdefault(name, value)


def _create(path: Path) -> None:
    values = {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "FIELD_KEYS": "local1:" + base64.b64encode(secrets.token_bytes(32)).decode(),
        "BLIND_INDEX_KEY": secrets.token_urlsafe(32),
    }
    # Written beside and linked into place: of two processes that start together one wins and both read the same file.
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(values, file)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
