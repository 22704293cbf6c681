"""Requests to begin a test with: the plan's sample file, or what the model's signature asks for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tui.app.state.background import in_thread
from tui.app.state.store import Store

SAMPLE_BYTES = 1_000_000
NO_SAMPLE = '{\n  "data": []\n}\n'


class NoSample(Exception):
    """Why there is no such sample, in a sentence."""


async def from_file(store: Store) -> str:
    """The plan's sample request. Raises NoSample."""
    return await in_thread(_from_file, store)


async def from_signature(store: Store) -> str:
    """A request that the model's signature gives; asks the helper where the model was not looked at yet.

    Raises NoSample.
    """
    known = store.facts.get("inspect_model")
    if known is None:
        known, error, _ = await store.answer("inspect_model", timeout=120)
        if error:
            raise NoSample(f"The model could not be looked at: {error.title}.")
    sample = (known or {}).get("sample")
    if not sample:
        raise NoSample("The model has no signature here, so that nothing is known about its request.")
    return _written(sample)


async def best(store: Store) -> str:
    """The plan's sample, else what is known of the signature already, else an empty table."""
    try:
        return await from_file(store)
    except NoSample:
        sample = (store.facts.get("inspect_model") or {}).get("sample")
        return _written(sample) if sample else NO_SAMPLE


def _from_file(store: Store) -> str:
    from tui.plan.load_save.references import Unresolved, expand

    written: Any = store.document.value("test.request")
    if not isinstance(written, str) or not written:
        raise NoSample("The plan names no sample request; the field is in step 4, Model.")
    try:
        path = (store.document.base / Path(expand(written, store.environ)).expanduser()).resolve()
        if path.stat().st_size > SAMPLE_BYTES:
            raise NoSample(f"{path} is larger than 1 MB.")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise NoSample(f"{written} is not text in UTF-8.") from None
    except OSError as error:
        raise NoSample(f"{written} cannot be read: {error.strerror or error}.") from None
    except Unresolved as error:
        raise NoSample(str(error)) from None


def _written(sample: Any) -> str:
    return json.dumps(sample, indent=2, ensure_ascii=False) + "\n"
