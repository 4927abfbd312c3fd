from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from telemed.audit.verification import BadLog, verify


def _anchor(text: str) -> tuple[int, str]:
    size, _, root = text.partition(":")
    if not size.isdecimal() or len(root) != 64:
        raise ArgumentTypeError("an anchor is SIZE:ROOT, as this command prints it")
    return int(size), root.lower()


class Command(BaseCommand):
    help = (
        "Prove that the audit log is whole. Exit code 1 and the first bad entry when it is not. Note the printed "
        "SIZE:ROOT outside of the database and pass it later as --anchor: it proves that nothing before was rewritten."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--database", default="default")
        parser.add_argument("--anchor", action="append", default=[], type=_anchor, metavar="SIZE:ROOT")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            state = verify(options["database"], dict(options["anchor"]))
        except BadLog as bad:
            raise CommandError(f"The audit log was tampered with. First bad {bad}") from None
        self.stdout.write(f"The audit log is whole: {state.size} entries")
        self.stdout.write(f"{state.size}:{state.tree_root}")
