"""An error as the card that screens show."""

from __future__ import annotations

from typing import Any


def card(error: Exception, log: str) -> dict[str, Any]:
    """The card of an exception: what happened, why, what to do, and the service's own words.

    `log` is the path of the engine's log, named where nothing better is known.
    """
    from tui.cloud.errors import CloudError

    if isinstance(error, CloudError):
        evidence = [line for line in error.raw.splitlines() if line.strip()]
        return {
            "id": error.code or "error",
            "title": error.title,
            "cause": error.cause,
            "remedy": error.remedy or f"The service's own words are below; the whole log is {log}.",
            "docs": "",
            "evidence": evidence[-40:],
            "request_ids": list(error.request_ids),
        }
    return {
        "id": "internal",
        "title": "Something unexpected went wrong in aml-deploy itself",
        "cause": f"{type(error).__name__}: {error}",
        "remedy": f"The traceback is in the log, {log}. Please report it with that file.",
        "docs": "",
        "evidence": [],
        "request_ids": [],
    }
