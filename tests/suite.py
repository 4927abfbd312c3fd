"""Runs every check there is, goes on after a failure, ends with one summary: `python -m tests.suite [--only lint]`.

Steps run one after the other, because the browsers need two cores; those of one lane run side by side, because their
tests mostly wait for sockets and processes. A step that runs no test has failed.
"""

import argparse
import contextlib
import itertools
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "var" / "test-results"
UNIT = "not e2e and not lab and not soak"
IN_BROWSERS = "e2e and not lab and not soak"
# Three lanes that take about equally long; each of them waits for processes and clocks now and then.
ENGINE = ("tests/media_routing", "tests/fuzz")
AROUND = (
    "tests/consultations/demo",
    "tests/consultations/recordings",
    "tests/consultations/rooms/test_drain.py",
    "tests/matrix",
    "tests/telemed",
)
# Browsers that look at pages and carry no call for long, or one whose pictures nobody measures: they mostly wait, so calls may
# run beside them. Measured calls beside each other do not: two cores are full with one.
PAGES = (
    "tests/consultations",
    "tests/e2e/test_accessibility.py",
    "tests/e2e/test_call_stage.py",
    "tests/e2e/test_invited_guest.py",
    "tests/e2e/test_keyboard_journey.py",
    "tests/e2e/test_still.py",
    "tests/e2e/test_today_page.py",
    "tests/e2e/test_visit_accessibility.py",
    "tests/media_routing/runtime",
    "tests/media_routing/sdp/test_browser_offers.py",
    "tests/telemed",
)
running: set[int] = set()


@dataclass(frozen=True)
class Step:
    name: str
    group: str  # "lint", "unit" or "e2e"
    command: list[str]
    limit_s: int
    counts_tests: bool = False  # writes a JUnit file
    lane: str = ""  # neighbours of one lane run at the same time; what they print is shown when they are done

    @property
    def report(self) -> Path:
        return RESULTS / f"{self.name.replace(' ', '-')}.xml"

    @property
    def output(self) -> Path:
        return self.report.with_suffix(".txt")


@dataclass(frozen=True)
class Outcome:
    step: Step
    ok: bool
    seconds: float
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    lab_skips: tuple[str, ...] = ()
    remark: str = ""


def pytest_step(name: str, group: str, marks: str, limit_s: int, *where: str, lane: str = "") -> Step:
    report = RESULTS / f"{name.replace(' ', '-')}.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-m", marks, f"--junitxml={report}", "--durations=8", *where]
    return Step(name, group, command, limit_s, counts_tests=True, lane=lane)


def steps() -> list[Step]:
    node_report = RESULTS / "browser-modules.xml"
    return [
        Step("ruff check", "lint", ["ruff", "check", "."], 60),
        Step("ruff format", "lint", ["ruff", "format", "--check", "."], 60),
        Step("mypy", "lint", ["mypy"], 300),
        Step("tsc", "lint", ["node_modules/.bin/tsc", "--project", "tsconfig.json"], 120),
        Step(
            "browser modules",
            "unit",
            [
                "node",
                "--test",
                "--test-reporter=dot",
                "--test-reporter-destination=stdout",
                "--test-reporter=junit",
                f"--test-reporter-destination={node_report}",
                "tests/js/**/*.test.js",
            ],
            120,
            counts_tests=True,
        ),
        pytest_step("the site", "unit", UNIT, 720, *(f"--ignore={path}" for path in (*ENGINE, *AROUND)), lane="unit"),
        pytest_step("around it", "unit", UNIT, 720, *AROUND, lane="unit"),
        pytest_step("the engine", "unit", UNIT, 720, *ENGINE, lane="unit"),
        pytest_step("network lab", "e2e", "lab and not soak", 900),
        pytest_step("calls", "e2e", IN_BROWSERS, 1200, *(f"--ignore={path}" for path in PAGES), lane="browsers"),
        pytest_step("pages", "e2e", IN_BROWSERS, 960, *PAGES, lane="browsers"),
    ]


def count(step: Step) -> tuple[int, int, int, tuple[str, ...]]:
    """(passed, failed, skipped, reasons of skipped lab tests) from the step's JUnit file."""
    try:
        tree = ET.parse(step.report)
    except (OSError, ET.ParseError):
        return 0, 0, 0, ()
    passed = failed = skipped = 0
    lab_skips = []
    for case in tree.iter("testcase"):
        skip = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif skip is not None:
            skipped += 1
            if "network lab" in (skip.get("message") or ""):
                lab_skips.append(skip.get("message") or "")
        else:
            passed += 1
    return passed, failed, skipped, tuple(lab_skips)


def execute(step: Step) -> tuple[int, str]:
    """(exit code, remark). What a step started ends with it: browsers and servers stay in its process group."""
    # The type checker reads the settings, which want to know that they are not a clinic's.
    environment = {**os.environ, "TESTING": "1"}
    with contextlib.ExitStack() as stack:
        shown = stack.enter_context(step.output.open("w")) if step.lane else None
        process = subprocess.Popen(
            step.command, cwd=ROOT, env=environment, start_new_session=True, stdout=shown, stderr=shown
        )
        running.add(process.pid)
        try:
            return process.wait(step.limit_s), ""
        except BaseException as error:
            end(process)
            if isinstance(error, subprocess.TimeoutExpired):
                return 1, f"stopped after {step.limit_s} s"
            raise
        finally:
            running.discard(process.pid)


def end(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)


def run(step: Step) -> Outcome:
    print(f"\n=== {step.name}: {' '.join(map(str, step.command))}", flush=True)
    step.report.unlink(missing_ok=True)
    started = time.monotonic()
    remark = ""
    try:
        code, remark = execute(step)
    except FileNotFoundError as error:
        code, remark = 1, f"not found: {error.filename}"
    passed, failed, skipped, lab_skips = count(step) if step.counts_tests else (0, 0, 0, ())
    ok = code == 0
    if ok and step.counts_tests and passed == 0 and not lab_skips:
        ok, remark = False, "ran no test"
    if step.lane and step.output.exists():
        print(f"\n=== what {step.name} said\n{step.output.read_text(errors='replace')}", flush=True)
    return Outcome(step, ok, time.monotonic() - started, passed, failed, skipped, lab_skips, remark)


def run_together(side_by_side: list[Step]) -> list[Outcome]:
    with ThreadPoolExecutor(len(side_by_side)) as pool:
        try:
            return list(pool.map(run, side_by_side))
        except BaseException:
            for group in list(running):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(group, signal.SIGTERM)
            raise


def summarise(outcomes: list[Outcome], seconds: float) -> None:
    print("\n=== summary")
    for o in outcomes:
        counts = f"{o.passed:5} passed {o.failed:3} failed {o.skipped:3} skipped" if o.step.counts_tests else ""
        print(f"  {'ok    ' if o.ok else 'FAILED'} {o.step.name:16} {o.seconds:6.1f} s  {counts}  {o.remark}".rstrip())
    if skips := [reason for o in outcomes for reason in o.lab_skips]:
        print(f"\n  NOT TESTED HERE: {len(skips)} network-lab tests were skipped ({skips[0]}).")
        print("  NATs, relays and lost connections are unproved by this run. Run make test as root.")
    # A check without test cases counts as one.
    passed = sum(o.passed if o.step.counts_tests else int(o.ok) for o in outcomes)
    failed = sum(max(o.failed, int(not o.ok)) for o in outcomes)
    print(f"\ntotal {seconds:.0f} s on {os.cpu_count()} cores")
    print(f"{passed} passed, {failed} failed, {sum(o.skipped for o in outcomes)} skipped", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["lint", "unit", "e2e"], help="run one group of checks")
    chosen = parser.parse_args().only
    RESULTS.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    outcomes = []
    for _, side_by_side in itertools.groupby(
        (step for step in steps() if chosen in (None, step.group)), key=lambda step: step.lane or step.name
    ):
        outcomes += run_together(list(side_by_side))
    summarise(outcomes, time.monotonic() - started)
    return 0 if all(o.ok for o in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
