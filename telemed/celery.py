"""Celery: wakes workers. What is to be done stands in rows, so a lost message costs time, never work."""

import os
from pathlib import Path
from typing import Any

from celery import Celery
from celery.signals import beat_init, worker_init, worker_ready, worker_shutting_down

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "telemed.settings")
app = Celery("telemed")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# Films are drawn when nobody needs the processor for a visit.
_POLITENESS = 10


@worker_init.connect
@beat_init.connect
def _supervised(**kwargs: Any) -> None:
    from telemed.processes import LIFELINE_FD, end_when_orphaned, inherited_fd

    for name in ("data_folder_in", "processed_folder", "control_folder"):
        if folder := app.conf.broker_transport_options.get(name):
            Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    if inherited_fd(LIFELINE_FD) is not None:
        os.nice(_POLITENESS)
        end_when_orphaned()


@worker_ready.connect
def _recover(**kwargs: Any) -> None:
    """What the last worker left begins anew at once, not at the next beat."""
    app.send_task("recordings.recover")


@worker_shutting_down.connect
def _put_down(**kwargs: Any) -> None:
    """A film of an hour does not keep the worker: it is put down, and taken up by the next one."""
    from consultations.recordings.actions import filming

    filming.put_down()
