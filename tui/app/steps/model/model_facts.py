"""Describes what was read from a model's files, and writes its sample request. Contains no screens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tui.app.state.new_files import numbered, stem_of
from tui.app.text.formatting import count, files, running
from tui.app.widgets.facts import Fact

KINDS = {"blocker": "bad", "warning": "warn", "unknown": "none"}
LIBRARIES = {"mlflow": "MLflow", "python": "Python"}


def about(found: dict[str, Any]) -> list[Fact]:
    """Describe the model's folder, the scoring script and the conda file, then the findings about them."""
    facts = [*_model(found), *_signature(found), *_score(found), *_conda(found)]
    said = {fact.text for fact in facts}
    for finding in found.get("findings") or []:
        kind = KINDS.get(str(finding.get("severity")))
        message = str(finding.get("message") or "")
        if kind is None or message in said:
            continue
        facts.append(Fact(kind, f"{message} {finding.get('remedy') or ''}".strip()))
    return facts


def _model(found: dict[str, Any]) -> list[Fact]:
    if found.get("registered"):
        return [Fact("none", "Model", f"{found['registered']}: a registered model, nothing is uploaded")]
    if not found.get("path"):
        return [Fact("none", "Model", "none in the plan: the image or the scoring script must have it")]
    if not found.get("exists"):
        return _unread(found.get("source") or {})
    words = files(int(found.get("files") or 0), found.get("bytes") or 0)
    flavour = found.get("flavour") or "no MLmodel file"
    complete = found.get("complete", True)
    if complete:
        text = f"{flavour}, {words}"
    else:
        text = f"{flavour}, {words} so far, counting {running(found.get('seconds') or 0)}"
    versions = found.get("versions") or {}
    if versions:
        text += "; " + ", ".join(f"{LIBRARIES.get(name, name)} {version}" for name, version in versions.items())
    facts = [Fact("ok" if complete else "busy", "Model", text), *_origin(found.get("source") or {})]
    left_out = int(found.get("left_out") or 0)
    if left_out:
        names = [str(name) for name in found.get("left_out_names") or []]
        more = " …" if left_out > 3 else ""
        where = found.get("ignore_file") or ".amlignore"
        what = files(left_out, found.get("left_out_bytes") or 0)
        facts.append(Fact("none", "Ignored", f"{what}, by {where}: {', '.join(names[:3])}{more}"))
    return facts


def _origin(source: dict[str, Any]) -> list[Fact]:
    """Describe where a remote model is stored, and how it gets to the workspace."""
    if not source:
        return []
    way = "the workspace reads it there" if source.get("in_place") else "downloaded to this machine, then uploaded"
    facts = [Fact("ok", "Source", f"{source.get('exact')}: {way}")]
    if source.get("problem"):
        facts.append(Fact("warn", f"Not all of it could be inspected: {source['problem']}."))
    return facts


def _unread(source: dict[str, Any]) -> list[Fact]:
    """Explain why a remote model could not be inspected."""
    if not source.get("problem"):
        return []
    text = f"{str(source['problem']).rstrip('.')}. {source.get('remedy') or ''}".strip()
    return [Fact("none", "Model", text)]


def _signature(found: dict[str, Any]) -> list[Fact]:
    signature = found.get("signature")
    if not signature:
        return []
    names = ", ".join(f"{column.get('name') or '?'}" for column in signature)
    return [Fact("ok", "Signature", shortened(f"{count(len(signature), 'column')}: {names}"))]


def _score(found: dict[str, Any]) -> list[Fact]:
    score = found.get("score") or {}
    if not score.get("found"):
        return []
    if score.get("problem"):
        return [Fact("bad", "Script", str(score["problem"]))]
    if score.get("has_init") and score.get("has_run"):
        return [Fact("ok", "Script", "init() and run() found")]
    missing = " and ".join(f"{name}()" for name in ("init", "run") if not score.get(f"has_{name}"))
    return [Fact("bad", "Script", f"{missing} is missing" if " and " not in missing else f"{missing} are missing")]


def _conda(found: dict[str, Any]) -> list[Fact]:
    conda = found.get("conda") or {}
    if not conda.get("found"):
        return []
    if conda.get("problem"):
        return [Fact("bad", "Conda", str(conda["problem"]))]
    python = f"Python {conda.get('python') or 'of the image'}"
    if conda.get("has_server"):
        server = str(conda.get("server") or "").lstrip("=")
        packages = f", {count(int(conda['packages']), 'package')}" if conda.get("packages") else ""
        return [Fact("ok", "Conda", f"{python}, scoring server {server}".rstrip() + packages)]
    if not (found.get("score") or {}).get("asked", True):
        packages = count(int(conda.get("packages") or 0), "package")
        return [Fact("ok", "Conda", f"{python}, {packages}, as listed by the model")]
    return [Fact("bad", "Conda", "azureml-inference-server-http is missing; add it to the pip section")]


def shortened(text: str, longest: int = 120) -> str:
    """Return the text, truncated after a word with an ellipsis if it is longer."""
    if len(text) <= longest:
        return text
    return text[:longest].rpartition(" ")[0] + " …"


def write_sample(name: str, body: Any) -> Path:
    """Write a request to a new file in the state folder's plans. Raises OSError."""
    from tui.common.write_atomic import write_atomic
    from tui.engine.journal.state_folder import plans_folder

    text = json.dumps(body, indent=2, ensure_ascii=False) + "\n"
    paths = numbered(plans_folder(), f"{stem_of(name)}-request", ".json")
    path = next(path for path in paths if not path.exists() or path.read_text(encoding="utf-8") == text)
    if not path.exists():
        write_atomic(path, text, mode=0o600)
    return path
