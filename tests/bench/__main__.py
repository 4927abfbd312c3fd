"""`python -m tests.bench [pages|signaling|admit|engine|bytecodes|recorder ...]`: measures and writes var/bench.json. Exit code 1 when one failed."""

import argparse
import importlib
import sys
import traceback

from tests.bench import rows

PARTS = {
    "pages": "tests.bench.pages",
    "signaling": "tests.bench.signaling_load",
    "admit": "tests.bench.admit_to_frame",
    "engine": "tests.bench.engine",
    "bytecodes": "tests.bench.engine_bytecodes",
    "frames": "tests.bench.frame_encryption",
    "recorder": "tests.bench.recorder",
    "routing": "tests.bench.routing",
    "moves": "tests.bench.route_move",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"any of: {', '.join(PARTS)} (default: all)")
    parts = parser.parse_args().parts or list(PARTS)
    if unknown := set(parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    where = rows.machine()
    print(", ".join(f"{name} {value}" for name, value in where.items()))
    failed = []
    for part in parts:
        try:
            measured = importlib.import_module(PARTS[part]).measure()
        except Exception:  # one part that fails must not hide the others
            traceback.print_exc()
            failed.append(part)
        else:
            about = f"commit {where['commit']}, load {where['load_1min']}"
            rows.write([rows.Row(r.name, r.value, r.unit, f"{r.context}; {about}") for r in measured])
    if failed:
        print(f"not measured: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
