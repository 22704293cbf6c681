"""`aml-deploy requests`: what other people have to do before a plan can work, a page for each."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

from tui.plain.arguments.plan_and_environment import ready
from tui.plain.ask_helper import ask
from tui.plain.commands.check import CHECK_SECONDS
from tui.plain.failure import Failure
from tui.plain.terminal import say


def run(arguments: Namespace) -> int:
    """Print the pages, or write them into a folder; 0, also where there are none. Raises PlanInvalid, Failure."""
    document, environ = ready(arguments)
    pages = ask(document, environ, "requests", timeout=CHECK_SECONDS, named=str(arguments.plan))
    if arguments.out is not None:
        written = _write(pages, Path(arguments.out).expanduser())
        if not arguments.json:
            print(*written, sep="\n", end="\n" if written else "")
    elif not arguments.json:
        print("\n\n".join(str(page["markdown"]).rstrip() for page in pages), end="\n" if pages else "")
    if arguments.json:
        for page in pages:
            print(json.dumps(page, ensure_ascii=False))
    say(summary(pages))
    return 0


def summary(pages: list[dict[str, Any]]) -> str:
    """How many things are asked of whom, in a sentence."""
    if not pages:
        return "Nobody else has to do anything: the check found nothing that is somebody else's to change."
    asked = [
        f"{len(page['requests'])} of the {str(page['title'])[0].lower()}{str(page['title'])[1:]}" for page in pages
    ]
    return f"Things to ask for: {', '.join(asked)}."


def _write(pages: list[dict[str, Any]], folder: Path) -> list[Path]:
    """One Markdown file a page; pages of an earlier time that are not needed any more are removed."""
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
        remedy = "Name a folder that can be written to with -o."
        raise Failure(f"The pages cannot be written to {folder}: {error.strerror}. {remedy}") from None


def _ours(path: Path) -> bool:
    """Whether a file is a page of ours, by its first line."""
    try:
        return path.is_file() and path.read_text(encoding="utf-8").startswith("# Requests to the ")
    except (OSError, UnicodeDecodeError):
        return False
