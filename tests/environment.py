"""Loaded by pytest before Django's settings: every run has its own var directory and its own secrets."""

import atexit
import os
import shutil
import tempfile

os.environ["TESTING"] = "1"
os.environ.pop("DEMO", None)
if "TELEMED_VAR_DIR" not in os.environ:
    os.environ["TELEMED_VAR_DIR"] = tempfile.mkdtemp(prefix="telemed-test-")
    atexit.register(shutil.rmtree, os.environ["TELEMED_VAR_DIR"], ignore_errors=True)
os.makedirs(os.path.join(os.environ["TELEMED_VAR_DIR"], "static"), exist_ok=True)  # WhiteNoise warns without it
os.environ.setdefault("EMAIL_BACKEND", "django.core.mail.backends.locmem.EmailBackend")
