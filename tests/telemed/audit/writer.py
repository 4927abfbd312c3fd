"""A process of its own that records entries: python -m tests.telemed.audit.writer NAME COUNT.

Prints "ready", waits for a line, records, prints when it began and ended (the machine's monotonic seconds).
"""

import sys
import time

import django


def main(name: str, count: int) -> None:
    django.setup()
    from django.db import transaction

    from telemed import audit

    print("ready", flush=True)
    sys.stdin.readline()
    began = time.monotonic()
    for number in range(count):
        with transaction.atomic():
            # A subject that all writers share and one of each writer: keys are made in a race, too.
            subject = "shared" if number % 2 else f"{name}-{number % 5}"
            audit.record("race.run", actor_seat=name, subject=subject, details={"writer": name, "number": number})
            if number % 10 == 9:
                transaction.set_rollback(True)  # these must leave neither an entry nor a gap
    print(began, time.monotonic())


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
