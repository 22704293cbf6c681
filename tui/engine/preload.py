"""Loads the rest of the program while a run waits for Azure: an upgrade in the same environment must not end the run.

The engine imports what it needs when it needs it, so that it starts at once. A `pip install` in the meantime replaces
the files below it: the next import would find another version, or nothing. Azure's SDK comes first, which takes longer
than all the rest: a run that changes something needs it soon.
"""

from __future__ import annotations

import importlib
import pkgutil
import threading
import time
import traceback

DELAY_SECONDS = 1.0
"""An apply that changes nothing has ended by then, and is not slowed down."""
LOADED = "All modules are loaded: from now on this run needs none of the program's files."
_PACKAGES = ("tui.common", "tui.plan", "tui.remedies", "tui.cloud", "tui.checks", "tui.engine")


def begin(*, at_once: bool) -> None:
    """Load everything, in a thread of its own; what cannot be loaded is told in the engine's log.

    It begins at once where the run will most likely change something, else after `DELAY_SECONDS`.
    """
    threading.Thread(target=_load, args=(0.0 if at_once else DELAY_SECONDS,), name="preload", daemon=True).start()


def _load(delay: float) -> None:
    from tui.cloud.http import sdk_import

    time.sleep(delay)
    names = [name for package in _PACKAGES for name in _modules(package)]
    try:
        sdk_import.import_sdk()
        for name in names:
            importlib.import_module(name)
        _data()
    except Exception:
        traceback.print_exc()
    else:
        print(LOADED, flush=True)


def _modules(package: str) -> list[str]:
    path = importlib.import_module(package).__path__
    found = (module.name for module in pkgutil.walk_packages(path, f"{package}."))
    return [name for name in found if not name.endswith(".__main__")]


def _data() -> None:
    """What is read from files of the package at its first use, and kept."""
    from tui.plan import sizes
    from tui.remedies import catalogue

    catalogue.load()
    sizes.find("")
    sizes.price_note()
