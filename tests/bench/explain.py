"""`aml-deploy explain` of a long log with the error at random places, against Python that only reads the file
and splits it into lowercase words.

    python tests/bench/explain.py [MEGABYTES] [TIMES]
"""

from __future__ import annotations

import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ERROR = (
    "HttpResponseError: (BadRequest) Not enough quota available for Standard_F4s_v2 in SubscriptionId s. "
    "Current usage/limit: 0/6. Additional needed: 8 https://aka.ms/oe-tsg#error-outofquota"
)
WORDS = re.findall(
    r"\S+",
    "azmlinfsrv POST GET /score /health 200 ms request scored rows batch model loaded worker booting pid listening on "
    "http://0.0.0.0:5001 probe ready cache hit miss tokens user-agent x-request-id accepted done next queue depth",
)


def healthy(characters: int, chance: random.Random) -> list[str]:
    """Lines of a scoring server that is well."""
    lines, written = [], 0
    while written < characters:
        stamp = f"2026-11-01 {chance.randrange(24):02}:{chance.randrange(60):02}:{chance.randrange(60):02},"
        line = (
            f"{stamp}{chance.randrange(1000):03} I [{chance.randrange(9999)}] {' '.join(chance.choices(WORDS, k=12))}"
        )
        lines.append(line)
        written += len(line) + 1
    return lines


def seconds(*command: str) -> float:
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return time.perf_counter() - start


def main() -> None:
    megabytes, times = (int(given) for given in [*sys.argv[1:], "50", "5"][:2])
    chance = random.Random(16)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "long.log"
        lines = healthy(megabytes * 1_000_000, chance)
        for _ in range(times):
            place = chance.randrange(len(lines))
            file.write_text("\n".join([*lines[:place], ERROR, *lines[place:]]), encoding="utf-8")
            base = seconds(sys.executable, "-c", "import sys; open(sys.argv[1]).read().lower().split()", str(file))
            took = seconds(sys.executable, "-m", "tui", "explain", str(file))
            print(f"error at {place / len(lines):4.0%} of {megabytes} MB: explain {took:.2f} s, reading {base:.2f} s, "
                  f"{took / base:.1f} times")  # fmt: skip


main()
