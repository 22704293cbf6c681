"""Blocking questions to the helper process."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tui.helper.client import HelperClient, HelperError
from tui.plain.failure import Failure
from tui.plan.load_save.az_yaml_import import ImportedDocument
from tui.plan.load_save.document import Document

REFUSED = "TrafficRefused"
"""The error code for a traffic split that is not valid."""
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


def import_az_yaml(files: Sequence[Path], environ: Mapping[str, str]) -> ImportedDocument:
    """Import files of `az ml` as a plan. Raises PlanInvalid if they are refused, Failure if the helper fails."""
    names = [str(file) for file in files]
    return ImportedDocument.of_answer(ask(Document(), environ, "import_az_yaml", timeout=LOAD_SECONDS, files=names))


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
        raise Failure(sentences(error), 2 if error.code == REFUSED else 1) from None


def sentences(error: HelperError) -> str:
    """An error as lines: what happened, why, and what to do."""
    lines = [str(error.title)]
    if error.cause and error.cause != error.title:
        lines.append(f"  Why: {error.cause}")
    if error.remedy:
        lines.append(f"  What to do: {error.remedy}")
    return "\n".join(lines)
