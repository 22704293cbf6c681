"""Runs the fleet's screen on this terminal with recorded answers, for what reads the terminal."""

from __future__ import annotations

import os

from tests.app.fleet.rows import SOME, WORKSPACES, Fleet
from tui.app.app import WizardApp

if __name__ == "__main__":
    WizardApp(environ=dict(os.environ), helper=Fleet([*WORKSPACES, *SOME]), begin=lambda app: app.fleet()).run()
