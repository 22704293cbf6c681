"""Settings that can change while the rehearsal runs: scenarios and pace, in small files in its folder.

Uses little of the standard library only, since every command that sets up a client reads them.
"""

from __future__ import annotations

import math

from tui.rehearsal.files import read_json, replace_json
from tui.rehearsal.places import Home
from tui.rehearsal.process import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

FAST, AZURE = "fast", "azure"
ENGINES = AUTOMATIC, NO_ENGINE, *_ = ("auto", "none", "docker", "podman")
ENGINE_VARIABLE = "AML_DEPLOY_CONTAINER_ENGINE"
CORES_VARIABLE = "AML_DEPLOY_REHEARSAL_CORES"
"""The cores of each instance, such as 0.25, whatever its size has; read when the rehearsal starts."""
PACE = {"pace": FAST, "speed": 1.0, "latency_ms": 0.0, "bandwidth_mbps": 0.0, "token_seconds": 0.0}
_LIMITS = {"speed": 100_000.0, "latency_ms": 60_000.0, "bandwidth_mbps": 1_000_000.0, "token_seconds": 86_400.0}
_OPTIONS = {
    "speed": "--speed",
    "latency_ms": "--latency",
    "bandwidth_mbps": "--bandwidth",
    "token_seconds": "--token-seconds",
}


def chosen_scenarios(home: Home) -> list[str]:
    """The scenarios that are active now, or from the next start on."""
    content = read_json(home.scenarios_file)
    return [str(name) for name in content] if isinstance(content, list) else []


def pace_of(home: Home) -> dict[str, Any]:
    """The current pace, or that from the next start on.

    pace, speed, latency_ms, bandwidth_mbps (0: no limit), token_seconds (0: lifetimes like Azure's).
    """
    content = read_json(home.pace_file)
    return {**PACE, **(content if isinstance(content, dict) else {})}


def change_pace(home: Home, **settings: Any) -> None:
    """Change the settings that are not None, also of a running rehearsal. Raises RehearsalError and OSError."""
    given = _checked({name: value for name, value in settings.items() if value is not None})
    if given:
        replace_json(home.pace_file, {**pace_of(home), **given})


def _checked(given: dict[str, Any]) -> dict[str, Any]:
    if given.get("pace", FAST) not in (FAST, AZURE):
        raise UsageError(f"The pace must be {FAST} or {AZURE}, not '{given['pace']}'.")
    for name in _LIMITS.keys() & given.keys():
        value, most = given[name], _LIMITS[name]
        least = "more than 0" if name == "speed" else "0 or more"
        wrong = value <= 0 if name == "speed" else value < 0
        if wrong or value > most or not math.isfinite(value):
            raise UsageError(f"{_OPTIONS[name]} must be {least}, and at most {most:.0f}.")
    return given


def engine_of(home: Home, environ: Mapping[str, str]) -> str:
    """The chosen container engine: by the option, else by ENGINE_VARIABLE, else AUTOMATIC. Raises UsageError."""
    chosen = read_json(home.engine_file) or environ.get(ENGINE_VARIABLE) or AUTOMATIC
    if chosen not in ENGINES:
        raise UsageError(f"{ENGINE_VARIABLE} must be one of {', '.join(ENGINES)}, not '{chosen}'.")
    return str(chosen)


def cores_of(environ: Mapping[str, str]) -> float:
    """The cores of an instance by CORES_VARIABLE; 0: those of its size. Raises UsageError."""
    text = environ.get(CORES_VARIABLE) or "0"
    try:
        if text == "0" or 0.01 <= float(text) <= 1024:
            return float(text)
    except ValueError:
        pass
    raise UsageError(f"{CORES_VARIABLE} must be a number from 0.01 to 1024, such as 0.25, not '{text}'.")


def forget(home: Home) -> None:
    """Reset scenarios, pace and container engine. Raises OSError."""
    home.engine_file.unlink(missing_ok=True)
    home.scenarios_file.unlink(missing_ok=True)
    home.pace_file.unlink(missing_ok=True)
