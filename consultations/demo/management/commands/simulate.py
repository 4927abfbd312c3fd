"""manage.py simulate: people without browsers hold a visit in a demo, through its links, signaling and media server."""

import argparse
import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = (
        "Hold a visit with simulated participants: a smoke and functional test of a running demo, or of one of its own."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--participants", type=int, default=3, help="2 to 8, the practitioner included")
        parser.add_argument("--seconds", type=float, default=20)
        parser.add_argument("--profile", default="good", help="good, lossy or phone")
        parser.add_argument("--base-url", help="a running demo; without it a demo is started for the simulation")
        parser.add_argument("--links", help="file with the line that `demo --json` printed, - for standard input")

    def handle(self, *args: Any, **options: Any) -> None:
        from consultations.demo.simulate.profiles import PROFILES
        from consultations.demo.simulate.run import MAX_PEOPLE, Failed, Simulation

        profile = PROFILES.get(options["profile"])
        if profile is None:
            raise CommandError(f"--profile is one of: {', '.join(PROFILES)}")
        if not 2 <= options["participants"] <= MAX_PEOPLE:
            raise CommandError(f"--participants is 2 to {MAX_PEOPLE}")
        if options["base_url"] and not options["links"]:
            raise CommandError("a running demo also needs --links, the line that `demo --json` printed")
        logging.getLogger("aiortc").setLevel(logging.ERROR)
        with demo_links(options) as links:
            simulation = Simulation(links, profile, self._show)
            try:
                summary = asyncio.run(simulation.run(options["participants"], options["seconds"]))
            except Failed as error:
                summary = {"ok": False, "participants": options["participants"], "error": str(error)}
        print(json.dumps({"profile": options["profile"], **summary}), flush=True)
        if not summary["ok"]:
            sys.exit(1)

    def _show(self, people: Any) -> None:
        print(table(people), file=sys.stderr, flush=True)


def table(people: Any) -> str:
    """Return the state of everybody, a line each."""
    lines = [
        f"{'participant':14}{'state':12}{'up':>7}{'down':>7}{'loss':>7}{'rtt':>7}  frames decoded (sound+picture) per peer"
    ]
    for person in people:
        measured = person.measured
        if not (measured and person.media):
            lines.append(f"{person.name:14}{person.phase:12}")
            continue
        rtt = f"{measured['rtt_ms']:.0f}ms" if measured["rtt_ms"] >= 0 else "-"
        frames = [
            f"{other.name}:{person.decoded[other.id, 'audio']}+{person.decoded[other.id, 'video']}"
            for other in people
            if other is not person
        ]
        lines.append(
            f"{person.name:14}{person.phase:12}{measured['up_kbps']:6.0f}k{measured['down_kbps']:6.0f}k"
            f"{measured['loss']:7.1%}{rtt:>7}  {' '.join(frames)}"
        )
    return "\n".join(lines) + "\n"


@contextmanager
def demo_links(options: dict[str, Any]) -> Iterator[dict[str, str]]:
    """Give the links of the demo that runs, or of one that runs as long as the simulation."""
    if options["links"]:
        text = sys.stdin.readline() if options["links"] == "-" else Path(options["links"]).read_text()
        links = json.loads(text.splitlines()[0])
        if options["base_url"]:
            links["base_url"] = options["base_url"].rstrip("/")
        yield links
        return
    with tempfile.TemporaryDirectory(prefix="telemed-simulate-") as directory:
        # A demo of its own: nothing of this process's keys, database or broker.
        kept = {name: value for name, value in os.environ.items() if name not in {"TESTING", "DEMO", "PORT"}}
        command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "demo", "--json", "--port", "0"]
        with (Path(directory) / "demo.log").open("w+") as log:
            process = subprocess.Popen(
                command, env={**kept, "TELEMED_VAR_DIR": directory}, stdout=subprocess.PIPE, stderr=log, text=True
            )
            try:
                assert process.stdout
                line = process.stdout.readline()
                if not line:
                    log.seek(0)
                    raise CommandError(f"the demo did not start: {log.read()[-1000:]}")
                yield json.loads(line)
            finally:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
