"""Questions to the helper process, for front ends that wait for the answers."""

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
"""The code of an error that says that what was asked for is wrong."""
LOAD_SECONDS = 600
"""azure-ai-ml reads the whole folder of a model without a name, to derive one."""


def ask(
    document: Document,
    environ: Mapping[str, str],
    question: str,
    *,
    secrets: Mapping[str, str] | None = None,
    timeout: float = 120,
    **with_: Any,
) -> Any:
    """The helper's answer to one question about a plan, within `timeout` seconds. Raises Failure with what it said."""

    return conversation(environ, lambda asker: asker.ask(document, question, secrets=secrets, timeout=timeout, **with_))


def import_az_yaml(files: Sequence[Path], environ: Mapping[str, str]) -> ImportedDocument:
    """The plan that files of `az ml` describe. Raises PlanInvalid where they are refused, Failure where it is not
    known."""
    names = [str(file) for file in files]
    return ImportedDocument.of_answer(ask(Document(), environ, "import_az_yaml", timeout=LOAD_SECONDS, files=names))


class Asker:
    """An open conversation with a helper."""

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
        """The answer to a question about a plan. Raises HelperError."""
        plan = {"document": document.tree, "base": str(document.base), "secrets": dict(secrets or {})}
        return await self._client.ask(question, timeout=timeout, plan=plan, **with_)


def conversation(environ: Mapping[str, str], talk: Any) -> Any:
    """Run `await talk(asker)` with a helper that ends with it. Raises Failure with what the helper said."""

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
    """What happened, why, and what to do, in lines."""
    lines = [str(error.title)]
    if error.cause and error.cause != error.title:
        lines.append(f"  Why: {error.cause}")
    if error.remedy:
        lines.append(f"  What to do: {error.remedy}")
    return "\n".join(lines)
