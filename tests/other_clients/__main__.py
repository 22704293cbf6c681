"""Runs other people's clients against a rehearsal: `python -m tests.other_clients [CLIENT …]`, all by default.

Prints what passed, and each failure by name. Exit code 0 when the counts are the recorded ones, else 1.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.other_clients import azure_cli, javascript, mgmt, sdk_e2e
from tests.other_clients.setting import NotRunError, Outcome, rehearsal

# Passed, failed, skipped by their own marks, not applicable; and the version that this was counted with.
RECORDED = {
    "sdk-e2e": ("1.35.2", (38, 0, 7, 11)),
    "mgmt": ("2.0.0b2", (16, 0, 0, 0)),
    "javascript": ("2.1.1", (13, 0, 0, 0)),
    "azure-cli": ("2.91.0", (17, 1, 0, 0)),
}


def run(client: str, test_configs: Path | None) -> Outcome:
    """Runs one client against a rehearsal of its own. Raises NotRunError, CalledProcessError."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with rehearsal(folder) as env:
            if client == "sdk-e2e":
                return sdk_e2e.run(env, folder, test_configs)
            return {"mgmt": mgmt.run, "javascript": javascript.run, "azure-cli": azure_cli.run}[client](env, folder)


def told(outcome: Outcome) -> str:
    """The outcome as lines of text."""
    passed, failed, skipped, left_out = outcome.counts
    lines = [
        f"{outcome.client} {outcome.version}: {passed} passed, {failed} failed, "
        f"{skipped} skipped by their own marks, {left_out} not applicable"
    ]
    for title, group in (
        ("failed", outcome.failed),
        ("skipped", outcome.skipped),
        ("not applicable", outcome.not_applicable),
    ):
        lines += [f"  {title}: {name}: {reason}" for name, reason in group.items()]
    return "\n".join(lines)


def main() -> int:
    """Runs the clients that are named."""
    parser = argparse.ArgumentParser(prog="python -m tests.other_clients", description=__doc__)
    parser.add_argument("clients", nargs="*", choices=[*RECORDED, "all"], default="all", metavar="CLIENT")
    parser.add_argument("--test-configs", type=Path, metavar="FOLDER", help="the files that the SDK's own tests read")
    arguments = parser.parse_args()
    asked = list(RECORDED) if "all" in arguments.clients else arguments.clients
    as_recorded = True
    for client in asked:
        try:
            outcome = run(client, arguments.test_configs)
        except NotRunError as error:
            print(f"{client}: not run: {error}", flush=True)
            as_recorded = False
            continue
        print(told(outcome), flush=True)
        version, counts = RECORDED[client]
        if outcome.counts != counts:
            print(f"  recorded with {version}: {counts}", flush=True)
            as_recorded = False
    return 0 if as_recorded else 1


if __name__ == "__main__":
    sys.exit(main())
