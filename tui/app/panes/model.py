"""Model: the files to upload, and what is in them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from textual.widget import Widget

from tui.app.figures import size
from tui.app.panes.asking import DEBOUNCE, AskingPane
from tui.app.store import DEPENDS
from tui.app.widgets.facts import Fact, Facts

KINDS = {"blocker": "bad", "warning": "warn", "unknown": "none"}


class ModelPane(AskingPane):
    """The model, its scoring script and its environment, with what was read of them."""

    step = "model"

    def below(self) -> Iterable[Widget]:
        yield Facts(id="found", column=9)

    def arrive(self) -> None:
        if "inspect_model" in self.store.facts:
            self._show(self.store.facts["inspect_model"])
        else:
            self._look(0)

    def changed(self, name: str) -> None:
        if name.startswith(DEPENDS["inspect_model"]) and self.display:
            self._look(DEBOUNCE)

    def _look(self, wait: float) -> None:
        self.run_worker(partial(self._ask, wait), group="model", exclusive=True)

    async def _ask(self, wait: float) -> None:
        facts = self.query_one("#found", Facts)
        answer = await self.question("inspect_model", facts, "Looking into the files", wait=wait, timeout=30)
        if answer is not None:
            self._show(answer)

    def _show(self, found: dict[str, Any]) -> None:
        self.query_one("#found", Facts).show(about(found))


def about(found: dict[str, Any]) -> list[Fact]:
    """What is in the model's folder, the scoring script and the conda file."""
    facts = []
    if found.get("exists"):
        files = int(found.get("files") or 0)
        more = "" if found.get("complete", True) else " or more"
        flavour = found.get("flavour") or "no MLmodel file"
        noun = "file" if files == 1 else "files"
        facts.append(Fact("ok", "Model", f"{flavour}, {files} {noun}{more}, {size(found.get('bytes') or 0)}"))
    signature = found.get("signature")
    if signature:
        names = ", ".join(str(column.get("name")) for column in signature)
        facts.append(Fact("ok", "Signature", shortened(f"{len(signature)} columns: {names}")))
    score = found.get("score") or {}
    if score.get("found"):
        if score.get("problem"):
            facts.append(Fact("bad", "Script", str(score["problem"])))
        elif score.get("has_init") and score.get("has_run"):
            facts.append(Fact("ok", "Script", "init() and run() are there"))
        else:
            missing = " and ".join(f"{name}()" for name in ("init", "run") if not score.get(f"has_{name}"))
            facts.append(Fact("bad", "Script", f"{missing} is missing"))
    conda = found.get("conda") or {}
    if conda.get("found"):
        if conda.get("problem"):
            facts.append(Fact("bad", "Conda", str(conda["problem"])))
        elif conda.get("has_server"):
            facts.append(Fact("ok", "Conda", f"Python {conda.get('python') or 'of the image'}, scoring server"))
        else:
            facts.append(Fact("bad", "Conda", "azureml-inference-server-http is missing; add it to the pip part"))
    said = {fact.text for fact in facts}
    for finding in found.get("findings") or []:
        kind = KINDS.get(str(finding.get("severity")))
        message = str(finding.get("message") or "")
        if kind is None or message in said:
            continue
        remedy = str(finding.get("remedy") or "")
        facts.append(Fact(kind, f"{message} {remedy}".strip()))
    return facts


def shortened(text: str, longest: int = 120) -> str:
    """The text, cut at a word with dots where it is longer."""
    if len(text) <= longest:
        return text
    return text[:longest].rpartition(" ")[0] + " …"
