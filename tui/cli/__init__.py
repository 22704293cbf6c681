"""The command line. The console script is `tui.cli:main`."""

from tui.cli.main import main

__all__ = ["main"]
