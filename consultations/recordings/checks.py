"""recordings.E001, recordings.E002: settings of the storage that would lose recordings, or send keys to it in clear."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

LOOPBACK_NAMES = {"localhost", "127.0.0.1", "::1"}


@register(Tags.security)
def check_storage(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    remote = settings.STORAGES.get("recordings")
    if remote is None:
        if not settings.RECORDINGS_S3_LEFTOVERS:
            return []
        return [
            Error(
                f"RECORDINGS_STORAGE is local, yet set are: {', '.join(settings.RECORDINGS_S3_LEFTOVERS)}.",
                hint="Set RECORDINGS_STORAGE=s3, or take them away: recordings would stay on this machine.",
                id="recordings.E001",
            )
        ]
    endpoint = urlsplit(remote["OPTIONS"]["endpoint_url"] or "https://")
    if endpoint.scheme == "https" or endpoint.hostname in LOOPBACK_NAMES:
        return []
    return [
        Error(
            "RECORDINGS_S3_ENDPOINT is not https.",
            hint="The names of the recordings and the access key's signatures would cross the network in clear.",
            id="recordings.E002",
        )
    ]
