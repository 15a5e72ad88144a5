"""Fuzz every entrance by hand: python tools/fuzz.py CASES [PYTEST_ARGS...].

Runs the tests that are marked ``fuzz`` with CASES cases each, new ones every time, and prints for each entrance how
many were refused, accepted, ended in a traceback, a hang or a bad line, and the slowest. What was accepted is listed in
``--accepted FILE``, to be looked at.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

OUTCOMES = ("refused", "accepted", "traceback", "hang", "bad line")


def main() -> int:
    """Run the fuzzers and print what came of the cases."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", type=int)
    parser.add_argument("--accepted", type=Path, help="where to list what was accepted")
    options, rest = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        counts = Path(folder, "counts.jsonl")
        environment = os.environ | {
            "CRNSIM_FUZZ_CASES": str(options.cases),
            "CRNSIM_FUZZ_COUNTS": str(counts),
        }
        command = [sys.executable, "-m", "pytest", "-q", "-m", "fuzz", *rest]
        status = subprocess.run(command, env=environment, check=False).returncode
        cases = [json.loads(line) for line in counts.read_text(encoding="utf-8").splitlines()]
    _table(cases)
    if options.accepted:
        accepted = (
            f"{case['entrance']}\t{case['case']}\n" for case in cases if case["outcome"] == "accepted"
        )
        options.accepted.write_text("".join(sorted(set(accepted))), encoding="utf-8")
    return status


def _table(cases: list[dict[str, Any]]) -> None:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    slowest: dict[str, float] = defaultdict(float)
    for case in cases:
        for entrance in (case["entrance"], "all"):
            found[entrance][case["outcome"]] += 1
            slowest[entrance] = max(slowest[entrance], case["seconds"])
    print(f"| entrance | cases | {' | '.join(OUTCOMES)} | slowest |\n|{' --- |' * (len(OUTCOMES) + 3)}")
    for entrance in sorted(found, key=lambda name: (name == "all", name)):
        numbers = " | ".join(str(found[entrance][outcome]) for outcome in OUTCOMES)
        print(f"| {entrance} | {found[entrance].total()} | {numbers} | {slowest[entrance]:.2f} s |")


if __name__ == "__main__":
    sys.exit(main())
