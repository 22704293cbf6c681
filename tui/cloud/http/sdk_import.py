"""Imports azure-ai-ml once, without output, and recognises versions that were not tested."""

from __future__ import annotations

import gc
import os
import sys
import threading
from importlib.metadata import version

from tui.cloud.clouds import BUILT_IN
from tui.cloud.errors import CloudError
from tui.cloud.http import sdk_logging

TRIED = "1.35"
"""The newest version (its first two numbers) that the tests were run with."""
_CLOUD = "AZUREML_CURRENT_CLOUD"
_lock = threading.Lock()
_loaded = False


def import_sdk() -> None:
    """Import azure.ai.ml without output on stdout or stderr; takes 1.1 to 2.4 s the first time.

    Raises CloudError if it cannot be loaded.
    """
    global _loaded
    with _lock:
        if _loaded:
            return
        if "azure.ai.ml" not in sys.modules and os.environ.get(_CLOUD) not in BUILT_IN:
            os.environ.pop(_CLOUD, None)  # set by another process: the import fails for an unknown name
        sdk_logging.before_import()
        collecting = gc.isenabled()
        gc.disable()  # garbage collection takes a fifth of the import time
        try:
            import azure.ai.ml
            import azure.ai.ml.entities  # noqa: F401
        except Exception as error:  # also from an incomplete installation
            raise CloudError(
                title="Azure's SDK cannot be loaded",
                cause=f"azure-ai-ml: {type(error).__name__}: {error}",
                remedy="Repair it in aml-deploy's environment: pip install --upgrade aml-deploy azure-ai-ml",
                code="SdkNotLoaded",
            ) from None
        finally:
            if collecting:
                gc.enable()
        sdk_logging.after_import()
        _loaded = True


def newer_than_tried() -> str:
    """The installed version of azure-ai-ml if it is newer than the tested ones; else empty."""
    found = version("azure-ai-ml")
    return found if _number(found) > _number(TRIED) else ""


def _number(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2] if part.isdigit())
