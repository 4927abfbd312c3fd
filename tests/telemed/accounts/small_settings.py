"""The real settings, serving the account pages only."""

from telemed.settings import *  # noqa: F403

ROOT_URLCONF = "tests.telemed.accounts.site"
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
