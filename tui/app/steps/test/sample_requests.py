"""Initial requests for a test: the plan's sample file, or one generated from the model's signature."""

from __future__ import annotations

import json
from typing import Any

from tui.app.state.background import in_thread
from tui.app.state.store import Store
from tui.common.request_body import as_text
from tui.common.typed_path import real_path, typed_path

SAMPLE_BYTES = 1_000_000
NO_SAMPLE = '{\n  "data": []\n}\n'


class NoSample(Exception):
    """There is no such sample; the text is the reason."""


async def from_file(store: Store) -> str:
    """Read the plan's sample request; a file that is no JSON is named instead (`@PATH`). Raises NoSample."""
    return await in_thread(_from_file, store)


async def from_signature(store: Store) -> str:
    """Return a request generated from the model's signature, which the helper reads if necessary.

    Raises NoSample.
    """
    known = store.facts.get("inspect_model")
    if known is None:
        known, error, _ = await store.answer("inspect_model", timeout=120)
        if error:
            raise NoSample(f"The model could not be read: {error.title}.")
    sample = (known or {}).get("sample")
    if not sample:
        raise NoSample("The model has no signature, so the format of its request is not known.")
    return _written(sample)


async def best(store: Store) -> str:
    """Return the plan's sample, else a request from the signature if already known, else an empty table."""
    try:
        return await from_file(store)
    except NoSample:
        sample = (store.facts.get("inspect_model") or {}).get("sample")
        return _written(sample) if sample else NO_SAMPLE


def _from_file(store: Store) -> str:
    from tui.plan.load_save.references import Unresolved, expand

    written: Any = store.document.value("test.request")
    if not isinstance(written, str) or not written:
        raise NoSample("The plan has no sample request; set it in step 4, Model.")
    try:
        path = real_path(store.document.base / typed_path(expand(written, store.environ)))
        text = as_text(path)
        if len(text) > SAMPLE_BYTES:
            raise NoSample(f"{path} is larger than 1 MB.")
        return text
    except OSError as error:
        raise NoSample(f"{written} cannot be read: {error.strerror or error}.") from None
    except Unresolved as error:
        raise NoSample(str(error)) from None


def _written(sample: Any) -> str:
    return json.dumps(sample, indent=2, ensure_ascii=False) + "\n"
