"""Count the reports whose first card is right.

    python -m tests.remedies [--set-aside | --later | --harmless] [--kind KIND] [--level patterns|words] [--list]

Without an option: the reports that the entries were written with. `--list` names those whose first card is not right;
not with `--set-aside`, where nobody is to look.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from reports import by_chance, by_kind, outcome, read, share_right, table

from tui.remedies.catalogue import load


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.remedies", description=__doc__)
    parser.add_argument("--set-aside", action="store_true")
    parser.add_argument("--later", action="store_true")
    parser.add_argument("--harmless", action="store_true")
    parser.add_argument("--kind")
    parser.add_argument("--level", choices=("both", "patterns", "words"), default="both")
    parser.add_argument("--list", action="store_true")
    asked = parser.parse_args()
    name = "set_aside" if asked.set_aside else "harmless" if asked.harmless else "later" if asked.later else "seen"
    reports = [report for report in read(name) if asked.kind in (None, report.kind)]
    with tempfile.TemporaryDirectory() as nobody:
        catalogue = load(Path(nobody) / "remedies.yml")
    found = by_kind(reports, catalogue, asked.level)
    print("\n".join(table(found)))
    if not asked.harmless:
        print(f"\nright: {share_right(found):.1%}; an entry drawn at random: {by_chance(reports, catalogue):.1%}")
    if asked.list and not asked.set_aside:
        for report in reports:
            what, cards = outcome(report, catalogue)
            if not what.startswith("right"):
                print(f"{report.source} ({report.kind}): {what} {[(card.id, card.score) for card in cards[:3]]}")


main()
