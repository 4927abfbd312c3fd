"""The word that opens the one-click sign-in: in a file that only the person who runs the demo can read."""

import os
import secrets
from pathlib import Path

from django.conf import settings


def sign_in_secret() -> str:
    """Return the demo's secret, made on first use with mode 0600. It stays the same across restarts."""
    path = Path(settings.VAR_DIR) / "demo-sign-in"
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(32))
        try:
            os.link(draft, path)  # of two that start together one wins, both read the same
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text()
