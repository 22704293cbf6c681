"""The keys that browsers reserve, and the bindings that the wizard declares itself."""

from __future__ import annotations

from collections.abc import Iterator

# Keys that a browser reserves, or that mean something else in one.
FORBIDDEN = {"ctrl+q", "ctrl+w", "ctrl+t", "ctrl+n", "ctrl+b", "ctrl+p", "ctrl+enter", "ctrl+tab"}


def is_forbidden(key: str) -> bool:
    """Whether a key must not be bound."""
    letter_alone = len(key) == 1 and key.isalpha()
    return key in FORBIDDEN or "ctrl+shift" in key or key.startswith("alt+") or letter_alone


def own(node: object) -> Iterator[object]:
    """Return the bindings that a class of the wizard declares itself."""
    for kind in type(node).__mro__:
        if kind.__module__.startswith("tui."):
            yield from kind.__dict__.get("BINDINGS", ())
