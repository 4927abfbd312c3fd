#!/usr/bin/env python3
"""Run a management command of the telemedicine platform."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "telemed.settings")
    arguments = list(sys.argv)
    if arguments[1:2] == ["demo"]:
        # Before the settings are read: they depend on DEMO and on the port.
        from consultations.demo.environment import prepare

        arguments[2:] = prepare(arguments[2:])
    if arguments[1:2] == ["simulate"]:
        os.environ.setdefault("DEMO", "1")  # it needs no clinic's keys: whatever it does, it does over the network
    from django.core.management import execute_from_command_line

    execute_from_command_line(arguments)


if __name__ == "__main__":
    main()
