"""The command `aml-deploy requests`: what administrators must do before a plan can work, one page for each."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from tui.common.typed_path import typed_path
from tui.plain.arguments.plan_and_environment import ready
from tui.plain.ask_helper import ask
from tui.plain.commands.check import CHECK_SECONDS
from tui.plain.failure import Failure
from tui.plain.terminal import out, out_json, say


def run(arguments: Namespace) -> int:
    """Print the pages, or write them to a folder; returns 0, also if there are none. Raises PlanInvalid, Failure."""
    document, environ = ready(arguments)
    pages = ask(document, environ, "requests", timeout=CHECK_SECONDS, named=str(arguments.plan))
    if arguments.out is not None:
        written = _write(pages, typed_path(arguments.out))
        if not arguments.json:
            out("\n".join(map(str, written))) if written else None
    elif not arguments.json:
        out("\n\n".join(str(page["markdown"]).rstrip() for page in pages)) if pages else None
    if arguments.json:
        for page in pages:
            out_json(page)
    say(summary(pages))
    return 0


def summary(pages: list[dict[str, Any]]) -> str:
    """A sentence with the number of requests to each administrator."""
    if not pages:
        return "There is nothing to request: the check found nothing that an administrator must change."
    asked = [
        f"{len(page['requests'])} of the {str(page['title'])[0].lower()}{str(page['title'])[1:]}" for page in pages
    ]
    return f"Requests: {', '.join(asked)}."


def _write(pages: list[dict[str, Any]], folder: Path) -> list[Path]:
    """Write one Markdown file per page; remove earlier pages that are no longer needed."""

    texts = {folder / f"{page['who']}.md": str(page["markdown"]) for page in pages}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            path.write_text(text, encoding="utf-8")
        for name in ("network", "identity", "databricks", "ml"):
            stale = folder / f"{name}.md"
            if stale not in texts and _ours(stale):
                stale.unlink()
        return list(texts)
    except OSError as error:
        remedy = "Name a writable folder with -o."
        raise Failure(f"The pages cannot be written to {folder}: {error.strerror}. {remedy}") from None


def _ours(path: Path) -> bool:
    """Whether this program wrote a file, by its first line."""
    try:
        return path.is_file() and path.read_text(encoding="utf-8").startswith("# Requests to the ")
    except (OSError, UnicodeDecodeError):
        return False
