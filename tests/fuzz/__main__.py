"""`make fuzz SECONDS=60 [FUZZ="rtcp sdp"]`: every target for so long, with another seed each time.

All of them for a minute or more leave docs/evidence/engine_fuzz.json.
"""

import argparse
import hashlib
import secrets
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.evidence import write_evidence
from tests.fuzz.engine import ROOT, fuzz, store
from tests.fuzz.targets import TARGETS

# Shorter runs, or some targets only, are no evidence.
LONG_RUN_S = 60
CORPUS = ROOT / "var" / "fuzz-corpus"


def remember(folder: Path, corpus: Sequence[bytes]) -> None:
    """The next run begins where this one ended; what reaches nothing new any more is dropped."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for data in corpus:
        (folder / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", choices=[[], *TARGETS], help="all when none is named")
    parser.add_argument("--seconds", type=float, default=60, help="per target")
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}, {arguments.seconds:g} s each")
    findings = 0
    counted = {}
    for name in arguments.targets or TARGETS:
        folder = CORPUS / name
        remembered = [file.read_bytes() for file in sorted(folder.glob("*"))]
        result = fuzz(TARGETS[name], seed=arguments.seed, seconds=arguments.seconds, remembered=remembered)
        remember(folder, result.corpus)
        counted[name] = {"runs": result.runs, "lines": result.lines, "findings": len(result.findings)}
        print(f"{name:10} {result.runs:9} runs {result.lines:5} lines {result.kept:5} kept", flush=True)
        for finding in result.findings:
            findings += 1
            print(f"{name:10} {finding.what}: {store(finding)}\n{finding.story}", flush=True)
    print(f"{findings} findings")
    if not arguments.targets and arguments.seconds >= LONG_RUN_S:
        measured = {"seed": arguments.seed, "seconds_each": arguments.seconds, "targets": counted}
        write_evidence("engine_fuzz", "SEC-1, SEC-11", measured)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
