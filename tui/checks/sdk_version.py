"""Check whether this program was tested with the installed version of Azure's SDK."""

from __future__ import annotations

from tui.checks.finding import WARNING, Finding
from tui.cloud.http.sdk_import import TRIED, newer_than_tried


def check() -> list[Finding]:
    """A warning if azure-ai-ml is newer than the tested version; it is used anyway."""
    newer = newer_than_tried()
    if not newer:
        return []
    return [
        Finding(
            "sdk-version",
            WARNING,
            message=f"azure-ai-ml {newer} is newer than {TRIED}, the latest version that aml-deploy was tested with.",
            remedy=f"It is used anyway. If it causes problems, go back to {TRIED}, and please report them.",
            commands=(f"pip install 'azure-ai-ml=={TRIED}.*'",),
            advice=True,
        )
    ]
