"""Whether this program was tried with the version of Azure's SDK that is installed."""

from __future__ import annotations

from tui.checks.finding import WARNING, Finding
from tui.cloud.http.sdk_import import TRIED, newer_than_tried


def check() -> list[Finding]:
    """A warning where azure-ai-ml is newer than what was tried; it is used all the same."""
    newer = newer_than_tried()
    if not newer:
        return []
    return [
        Finding(
            "sdk-version",
            WARNING,
            message=f"azure-ai-ml {newer} is newer than {TRIED}, the newest that aml-deploy was tried with.",
            remedy=f"It is used as it is. Where something goes wrong in it, go back to {TRIED}, and please report it.",
            commands=(f"pip install 'azure-ai-ml=={TRIED}.*'",),
            advice=True,
        )
    ]
