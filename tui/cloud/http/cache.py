"""Answers that are taken again for a while: small files in the cache folder of this machine."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tui.common.write_atomic import write_atomic


def folder(name: str, environ: Mapping[str, str] | None = None) -> Path:
    """A folder of the cache: below `$AML_DEPLOY_CACHE`, else the platform's. It may not exist."""
    given = (os.environ if environ is None else environ).get("AML_DEPLOY_CACHE")
    if given:
        return Path(given).expanduser() / name
    import platformdirs

    return Path(platformdirs.user_cache_path("aml-deploy")) / name


def read(path: Path, seconds: float) -> dict[str, Any] | None:
    """What was kept there less than so many seconds ago; None otherwise, also where it cannot be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if 0 <= time.time() - float(found.pop("kept")) < seconds:
            return dict(found)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    return None


def write(path: Path, answer: Mapping[str, Any]) -> None:
    """Keeps an answer, whole or not at all; where the disk takes none, it is asked for again."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomic(path, json.dumps({"kept": time.time(), **answer}))
