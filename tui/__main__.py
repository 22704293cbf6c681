"""`python -m tui`: the same as `aml-deploy`."""

from __future__ import annotations

import os
import sys

try:
    here = os.getcwd()  # noqa: PTH109
except OSError:  # it was deleted
    here = ""
if sys.path[0] == here != os.path.dirname(os.path.dirname(os.path.abspath(__file__))):  # noqa: PTH100, PTH120
    del sys.path[0]  # `-m` has put the working directory there, whose modules must not be imported

from tui.cli import main

if __name__ == "__main__":
    sys.exit(main())
