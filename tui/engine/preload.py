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

from tui.engine.journal.runs import Run, read

DELAY_SECONDS = 3.0
"""An apply that changes nothing has ended by then, and is not slowed down."""
LOADED = "All modules are loaded: from now on this run needs none of the program's files."
_PACKAGES = ("tui.common", "tui.plan", "tui.remedies", "tui.cloud", "tui.checks", "tui.engine")


def begin(run: Run, *, resumed: bool) -> None:
    """Load everything, in a thread of its own; what cannot be loaded is told in the engine's log.

    It begins at once where the run will most likely change something: when it is the first of its plan here.
    """
    at_once = not resumed and _first_of_its_plan(run)
    threading.Thread(target=_load, args=(at_once,), name="preload", daemon=True).start()


def _first_of_its_plan(run: Run) -> bool:
    for folder in run.folder.parent.iterdir():
        other = read(folder) if folder != run.folder else None
        if other is not None and (other.plan_hash, other.rehearsed) == (run.plan_hash, run.rehearsed):
            return False
    return True


def _load(at_once: bool) -> None:
    from tui.cloud.http import sdk_import

    try:
        if at_once:
            sdk_import.import_sdk()
        # What is asked of Azure first must not wait for what comes now.
        time.sleep(1.0 if at_once else DELAY_SECONDS)
        sdk_import.import_sdk()
        for name in (name for package in _PACKAGES for name in _modules(package)):
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
