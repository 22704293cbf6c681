"""Blocking questions to the helper process."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tui.helper.client import HelperClient, HelperError
from tui.plain.failure import Failure
from tui.plan.fields.all_fields import BY_KEY
from tui.plan.load_save.az_yaml_import import ImportedDocument
from tui.plan.load_save.document import Document
from tui.rehearsal_client import OWN_IDENTITY

REFUSED = ("TrafficRefused", "NewPlanRefused", "PlanNotKept", "golden-requests")
"""The error codes for what the user named: a split or a file that is invalid, a folder without a model, …."""
LOAD_SECONDS = 600
"""Time limit for an import: azure-ai-ml reads the whole folder of a model without a name, to derive one."""


def ask(
    document: Document,
    environ: Mapping[str, str],
    question: str,
    *,
    secrets: Mapping[str, str] | None = None,
    timeout: float = 120,
    **with_: Any,
) -> Any:
    """Ask the helper one question about a plan; waits `timeout` seconds. Raises Failure with the helper's message."""

    return conversation(environ, lambda asker: asker.ask(document, question, secrets=secrets, timeout=timeout, **with_))


def import_az_yaml(
    files: Sequence[Path],
    environ: Mapping[str, str],
    endpoint_name: str = "",
    settings: Mapping[str, str] | None = None,
) -> ImportedDocument:
    """Import files of `az ml` as a plan; `endpoint_name` and `settings` replace what they say.

    Raises PlanInvalid if they are refused, Failure if the helper fails.
    """
    given: dict[str, Any] = {"files": [str(file) for file in files], "endpoint_name": endpoint_name}
    given["settings"] = dict(settings or {})
    return ImportedDocument.of_answer(ask(Document(), environ, "import_az_yaml", timeout=LOAD_SECONDS, **given))


def import_endpoint(
    document: Document, environ: Mapping[str, str], folder: Path, run: str | None = None
) -> ImportedDocument:
    """The plan of the endpoint that a document names, with the document's workspace and credential.

    With `run`, the plan that this run kept. Its code is copied to `folder`, the plan's. Raises Failure.
    """
    of_run: dict[str, Any] = {"run": run} if run else {}
    question = "kept_plan" if run else "import_endpoint"
    answer = ask(document, environ, question, timeout=LOAD_SECONDS, folder=str(folder), **of_run)
    found = ImportedDocument.of_answer(answer)
    for key in BY_KEY:
        source = document.sources.get(key, document.origin)
        if key.startswith(("workspace.", "credential.")) and document.get(key) is not None and source != OWN_IDENTITY:
            found.set(key, document.get(key), source)
    return found


class Asker:
    """A helper process for several questions."""

    def __init__(self, client: HelperClient) -> None:
        self._client = client

    async def ask(
        self,
        document: Document,
        question: str,
        *,
        secrets: Mapping[str, str] | None = None,
        timeout: float = 120,
        **with_: Any,
    ) -> Any:
        """Ask a question about a plan. Raises HelperError."""
        plan = {"document": document.tree, "base": str(document.base), "secrets": dict(secrets or {})}
        return await self._client.ask(question, timeout=timeout, plan=plan, **with_)


def conversation(environ: Mapping[str, str], talk: Any) -> Any:
    """Run `await talk(asker)` with a helper that is closed afterwards. Raises Failure with the helper's message."""

    async def whole() -> Any:
        client = HelperClient()
        try:
            await client.start(dict(environ))
            return await talk(Asker(client))
        finally:
            await client.close()

    try:
        return asyncio.run(whole())
    except HelperError as error:
        raise Failure(sentences(error), 2 if error.code in REFUSED else 1) from None


def sentences(error: HelperError) -> str:
    """An error as lines: what happened, why, and what to do."""
    lines = [str(error.title)]
    if error.cause and error.cause != error.title:
        lines.append(f"  Why: {error.cause}")
    if error.remedy:
        lines.append(f"  What to do: {error.remedy}")
    return "\n".join(lines)
