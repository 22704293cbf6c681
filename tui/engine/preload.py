"""Loads the rest of the program while a run waits for Azure, so that an upgrade of the package cannot break the run.

The engine imports modules on first use, so that it starts at once. A `pip install` in the meantime replaces the files,
and the next import would find another version, or none. Azure's SDK is loaded first, since it takes longer than the
rest and a run that changes something needs it soon.
"""

from __future__ import annotations

import importlib
import pkgutil
import threading
import time
import traceback

from tui.engine.journal.runs import Run, read

DELAY_SECONDS = 3.0
"""By then an apply without changes has ended, so it is not slowed down."""
LOADED = "All modules are loaded; this run no longer needs the program's files."
_PACKAGES = ("tui.common", "tui.plan", "tui.remedies", "tui.cloud", "tui.checks", "tui.engine")


def begin(run: Run, *, resumed: bool) -> None:
    """Load all modules in a separate thread; failures are written to the engine's log.

    Loading starts at once if the run will probably change something, as the first run of a plan on this machine does.
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
        # The first requests to Azure must not wait for the imports below.
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
    """Read the package's data files, which are otherwise read and cached on first use."""
    from tui.plan import sizes
    from tui.remedies import catalogue

    catalogue.load()
    sizes.find("")
    sizes.price_note()
