"""Runs the rehearsal's command line: `python -m tui.rehearsal`."""

from __future__ import annotations

import sys

from tui.rehearsal.cli import main

if __name__ == "__main__":
    sys.exit(main())
