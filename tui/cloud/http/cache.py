"""Caches answers for a limited time, in small files in this machine's cache folder."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tui.common.own_folders import cache_folder
from tui.common.write_atomic import write_atomic


def folder(name: str, environ: Mapping[str, str] | None = None) -> Path:
    """A folder of the cache: in `$AML_DEPLOY_CACHE`, else in the platform's cache folder. It may not exist."""
    return cache_folder(os.environ if environ is None else environ) / name


def read(path: Path, seconds: float) -> dict[str, Any] | None:
    """The answer cached less than `seconds` ago; None otherwise, also if it cannot be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if 0 <= time.time() - float(found.pop("kept")) < seconds:
            return dict(found)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    return None


def write(path: Path, answer: Mapping[str, Any]) -> None:
    """Cache an answer atomically; if it cannot be written, it is requested again next time."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomic(path, json.dumps({"kept": time.time(), **answer}))
