"""Loaded by pytest for every run: tests marked `lab` need root and network namespaces.

Without them they are skipped with a loud reason; in CI (CI=true) that is a failure, because a run without the lab
proves nothing about NATs, relays and lost connections.
"""

import functools
import os
import shutil
import subprocess

import pytest

WANTED = ("ip", "nft", "tc", "turnserver")


@functools.cache
def reason_why_not() -> str:
    """Why the network lab cannot run here; empty when it can."""
    if os.geteuid() != 0:
        return "needs root"
    if missing := [name for name in WANTED if not shutil.which(name)]:
        return f"missing: {', '.join(missing)}"
    probe = f"labprobe{os.getpid()}"
    try:
        subprocess.run(["ip", "netns", "add", probe], check=True, capture_output=True)
        subprocess.run(["ip", "netns", "exec", probe, "nft", "list", "ruleset"], check=True, capture_output=True)
    except subprocess.CalledProcessError as error:
        return f"no network namespaces: {error.stderr.decode(errors='replace').strip()}"
    finally:
        subprocess.run(["ip", "netns", "del", probe], check=False, capture_output=True)
    return ""


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("lab") is None:
        return
    if reason := reason_why_not():
        if os.environ.get("CI"):
            pytest.fail(f"network lab {reason}", pytrace=False)
        pytest.skip(f"network lab {reason}")
