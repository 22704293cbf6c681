"""Runs the rehearsal's command line: `python -m tui.rehearsal`."""

from __future__ import annotations

import os
import sys

from tui.rehearsal.cli import main

if __name__ == "__main__":
    os.umask(0o077)  # the database, blobs and logs are the user's own
    sys.exit(main())
