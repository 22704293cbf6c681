"""What is wrong with an endpoint, with its evidence, its remedy, and a fix where one is safe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Optional

from tui.checks.finding import BLOCKER, OK, UNKNOWN, WARNING

_ORDER = {BLOCKER: 0, WARNING: 1, UNKNOWN: 2, OK: 3}

# From a text, the service's code where it is known, and facts: the best card of the catalogue as a dict, or None.
Recognise = Callable[[str, Optional[str], Mapping[str, Any]], Optional[dict[str, Any]]]


@dataclass(frozen=True)
class Fix:
    """Something that mends a trouble: `action` with `arguments`, `what` in a sentence, `preview` of what changes.

    `asks` names what has to be typed first, a secret; it is then given to the action under that name.
    """

    action: str
    what: str
    preview: tuple[str, ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)
    asks: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As JSON data."""
        found = {"action": self.action, "what": self.what, "preview": list(self.preview), "with": dict(self.arguments)}
        return {**found, "asks": self.asks} if self.asks else found


@dataclass(frozen=True)
class Trouble:
    """One finding about an endpoint that is there.

    `severity`: blocker (callers get no answers now), warning, unknown (could not be seen), ok. `advice` marks a warning
    about how it is set up, which is no failure. `evidence` are lines as they were read, `request` is what to send to
    whoever has to do it, where that is somebody else. `card` is the id of the catalogue's entry.
    """

    id: str
    severity: str
    message: str
    cause: str = ""
    remedy: str = ""
    evidence: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    docs: str = ""
    deployment: str = ""
    field: str = ""
    looked_at: str = ""
    request_ids: tuple[str, ...] = ()
    card: str = ""
    fixes: tuple[Fix, ...] = ()
    advice: bool = False
    request: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As JSON data; `fix` is the first of the fixes, null where there is none."""
        found = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}
        found["fixes"] = [fix.as_dict() for fix in self.fixes]
        found["fix"] = self.fixes[0].as_dict() if self.fixes else None
        return found


def ordered(found: list[Trouble]) -> list[Trouble]:
    """The worst first; advice after failures of the same weight; otherwise as they came."""
    return sorted(found, key=lambda one: (_ORDER.get(one.severity, len(_ORDER)), one.advice))


def wrong(found: list[Trouble]) -> bool:
    """Whether something is wrong, so that a script should notice: advice and what could not be seen are not."""
    return any(one.severity in (BLOCKER, WARNING) and not one.advice for one in found)


def with_card(card: Mapping[str, Any] | None, **own: Any) -> Trouble:
    """A trouble in the words of a card where there is one, laid over its own; its own severity and fixes stay."""
    if card is None:
        return Trouble(**own)
    evidence = tuple(dict.fromkeys([*card.get("evidence", ()), *own.get("evidence", ())]))
    merged = {
        **own,
        "cause": _joined(f"{card['title']}.", card.get("cause", "")),
        "remedy": card.get("remedy") or own.get("remedy", ""),
        "docs": card.get("docs") or own.get("docs", ""),
        "commands": tuple(card.get("commands") or own.get("commands", ())),
        "evidence": evidence[:40],
        "request_ids": tuple(dict.fromkeys([*own.get("request_ids", ()), *card.get("request_ids", ())])),
        "field": card.get("field") or own.get("field", ""),
        "card": card["id"],
    }
    return Trouble(**merged)


def _joined(*parts: str) -> str:
    return " ".join(part.strip() for part in parts if part and part.strip())


def last_lines(text: str, most: int = 12) -> tuple[str, ...]:
    """The last lines of a log that hold anything, as evidence."""
    return tuple(line for line in text.splitlines() if line.strip())[-most:]
