"""Evidence of soak runs: docs/evidence/<name>.json, with what was measured, on which commit, machine and load."""

import datetime
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.bench.rows import ROOT, machine

DIRECTORY = ROOT / "docs" / "evidence"


def write_evidence(name: str, requirement: str, measured: Mapping[str, Any], *, directory: Path = DIRECTORY) -> Path:
    """Writes the file anew and returns its path. `requirement`: the ids that it speaks for, as "REL-5, SEC-9"."""
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / f"{name}.json"
    content = {
        "requirement": requirement,
        "measured_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "measured": dict(measured),
    }
    file.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    return file
