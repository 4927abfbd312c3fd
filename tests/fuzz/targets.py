"""Every hostile input of the engine and of signaling has a target here (SEC-12)."""

from tests.fuzz import parsers, port, rooms

TARGETS = {target.name: target for target in [*parsers.TARGETS, *port.TARGETS, *rooms.TARGETS]}
