"""Has work done that stands in a row: by the worker, or here where there is none (JOBS). A message that is lost costs time."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from celery import Task
from django.conf import settings
from django.db import connection
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)

# One at a time: it is for one small practice.
_pool = ThreadPoolExecutor(1, "recordings")


def wake(task: Task, work: Callable[[int], object], row_pk: int) -> None:
    """Have `work(row_pk)` done, which `task` does in the worker. Call it after the commit."""
    if settings.JOBS == "now":
        work(row_pk)
    elif settings.JOBS == "thread":
        _pool.submit(_in_thread, work, row_pk)
    else:
        try:
            task.delay(row_pk)
        except (OperationalError, OSError):
            logger.warning("no broker: a row of %s waits for the next look", task.name)


def _in_thread(work: Callable[[int], object], row_pk: int) -> None:
    try:
        work(row_pk)
    except Exception as error:  # noqa: BLE001  the outermost call of this thread; the row is found again by `recover`
        logger.error("work on a recording failed: %s", type(error).__name__)
    finally:
        connection.close()
