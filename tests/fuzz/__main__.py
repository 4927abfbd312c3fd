"""`make fuzz SECONDS=60 [FUZZ="rtcp sdp"]`: every target for so long, with another seed each time."""

import argparse
import hashlib
import secrets
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.fuzz.engine import ROOT, fuzz, store
from tests.fuzz.targets import TARGETS

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
    for name in arguments.targets or TARGETS:
        folder = CORPUS / name
        remembered = [file.read_bytes() for file in sorted(folder.glob("*"))]
        result = fuzz(TARGETS[name], seed=arguments.seed, seconds=arguments.seconds, remembered=remembered)
        remember(folder, result.corpus)
        print(f"{name:10} {result.runs:9} runs {result.lines:5} lines {result.kept:5} kept", flush=True)
        for finding in result.findings:
            findings += 1
            print(f"{name:10} {finding.what}: {store(finding)}\n{finding.story}", flush=True)
    print(f"{findings} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
