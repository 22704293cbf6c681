"""Secrets that were typed when a run started; they are kept in memory only, so the user must type them again."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from tui.plan.fields.all_fields import FIELDS
from tui.plan.load_save.document import Document
from tui.plan.load_save.references import Unresolved, expand


def to_ask(
    document: Document, environ: Mapping[str, str], given: Collection[str] = (), typed: Collection[str] = ()
) -> list[str]:
    """The keys of the secrets that the user must type: those `typed` before and those without a value here, except
    those already `given`."""
    wanted = [field.key for field in FIELDS if field.kind == "secret" and document.asked(field.key)]
    return [key for key in wanted if key not in given and (key in typed or not known(document, key, environ))]


def known(document: Document, key: str, environ: Mapping[str, str]) -> bool:
    """Whether a secret has a value here, or is a vault or scope reference that is resolved later."""
    try:
        return bool(expand(str(document.value(key) or ""), environ, later=True))
    except Unresolved:
        return False
