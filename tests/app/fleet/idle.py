"""Runs the fleet's screen on this terminal with recorded answers, for what reads the terminal; it refreshes often."""

from __future__ import annotations

import os
from typing import Any

from tests.app.fleet.rows import SOME, WORKSPACES, Fleet
from tui.app.app import WizardApp
from tui.app.fleet import screen

REFRESH_SECONDS = 8.0


class Idle(Fleet):
    """Sends nothing a second time, as nothing changes."""

    def _fleet(self, with_: dict[str, Any]) -> dict[str, Any]:
        answer = super()._fleet(with_)
        self.sends = []
        return answer


if __name__ == "__main__":
    screen.REFRESH_SECONDS = REFRESH_SECONDS
    WizardApp(environ=dict(os.environ), helper=Idle([*WORKSPACES, *SOME]), begin=lambda app: app.fleet()).run()
