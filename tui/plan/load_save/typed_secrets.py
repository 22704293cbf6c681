"""Secrets that were typed when a run began: they are kept in memory only, so they are asked for again."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from tui.plan.fields.all_fields import FIELDS
from tui.plan.load_save.document import Document
from tui.plan.load_save.references import Unresolved, expand


def to_ask(
    document: Document, environ: Mapping[str, str], given: Collection[str] = (), typed: Collection[str] = ()
) -> list[str]:
    """The keys of the secrets that a plan needs and that must be typed: those that were `typed` before, and those that
    nothing here stands for; without those that are `given`."""
    wanted = [field.key for field in FIELDS if field.kind == "secret" and document.asked(field.key)]
    return [key for key in wanted if key not in given and (key in typed or not known(document, key, environ))]


def known(document: Document, key: str, environ: Mapping[str, str]) -> bool:
    """Whether what the plan says of a secret stands for a value here; one in a vault or scope is looked up later."""
    try:
        return bool(expand(str(document.value(key) or ""), environ, later=True))
    except Unresolved:
        return False
