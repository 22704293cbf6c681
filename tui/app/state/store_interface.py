"""What the store's parts need of the store, so that neither module imports the other."""

from __future__ import annotations

from typing import Any, Protocol

from tui.plan.load_save.document import Document


class StoreInterface(Protocol):
    """The part of `tui.app.state.store.Store` that its own parts use; see there."""

    document: Document
    environ: dict[str, str]
    facts: dict[str, Any]
    states: Any

    def announce(self, *names: str) -> None: ...

    def fingerprint(self, question: str) -> str: ...

    def problems(self, document: Document | None = None) -> dict[str, str]: ...
