"""Reads a plan for exports: values with unexpanded references, paths relative to the export's folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tui.common.request_body import JSON, RequestBody
from tui.common.typed_path import NOT_UTF8, UnusablePath, not_utf8, real_path, typed_path
from tui.plan.data_collection import texts
from tui.plan.fields.all_fields import BY_KEY, FIELDS
from tui.plan.fields.sources import SIGNED, is_registered, signed
from tui.plan.load_save.document import Document, is_local_path
from tui.plan.load_save.references import REFERENCE, has_reference
from tui.plan.problems import PlanInvalid, Problem

_WHOLE = "A reference to a whole map cannot be exported: write its names here; each value can be a reference."


class Source:
    """A plan to export. Values are as written, else the field's default; a secret's value is never returned."""

    def __init__(self, document: Document, folder: Path) -> None:
        self.document, self.folder = document, folder
        problems = list(document.problems)
        for one in document.each():
            problems += [found for item in FIELDS if (found := self._wrong(one, item.key))]
        if problems:
            raise PlanInvalid(list(dict.fromkeys(problems)))

    @staticmethod
    def _wrong(document: Document, key: str) -> Problem | None:
        """The problem of a value as written; references are checked where they are resolved."""
        if not document.asked(key):
            return None
        value = document.value(key)
        if signed(value):
            return document.problem(key, *SIGNED)
        if not has_reference(value):
            wrong = BY_KEY[key].check(value)
        else:
            wrong = _WHOLE if BY_KEY[key].kind in ("map", "collections", "rules", "schedule") else None
        return document.problem(key, wrong) if wrong else None

    def value(self, key: str) -> Any:
        """The value at a key, or the field's default; None for a secret that is not a reference."""
        item = BY_KEY.get(key)
        value = self.document.value(key)
        if item is not None and item.kind == "secret" and not has_reference(value):
            return None
        return value

    def written(self, key: str) -> Any:
        """The value at a key in the plan; None if the plan does not set it."""
        return None if self.document.get(key) is None else self.value(key)

    def asked(self, key: str) -> bool:
        """Whether a field applies to this plan."""
        return self.document.asked(key)

    def deployments(self) -> list[Source]:
        """One source for each deployment of the plan, with that deployment as `deployment`."""
        return [Source(one, self.folder) for one in self.document.each()]

    @property
    def only(self) -> Source:
        """The single deployment's source. Raises PlanInvalid for a plan with several."""
        found = self.deployments()
        if len(found) > 1:
            text = "This export supports plans with one deployment; this plan has several."
            raise PlanInvalid([self.document.problem("deployments", text, "Use az-yaml, python or notebook.")])
        return found[0]

    def registered_model(self) -> str | None:
        """`azureml:NAME:VERSION` of a registered model; None for a model to register."""
        path = self.value("deployment.model.path")
        return path if is_registered(path) else None

    def request_type(self) -> str:
        """The content type of the sample request; JSON if there is none or it cannot be read."""
        value = self.value("test.request")
        try:
            return RequestBody.of_file(real_path(self.document.base / typed_path(str(value)))).content_type
        except (OSError, UnusablePath):
            return JSON

    def path(self, key: str) -> str | None:
        """A path relative to the export's folder, with /, or an absolute one. Raises PlanInvalid for other sources."""
        value = self.value(key)
        if not isinstance(value, str) or has_reference(value):
            return value if isinstance(value, str) else None
        if not is_local_path(value):
            if value.startswith("azureml:") or key == "deployment.environment.build.path":
                return value  # Azure fetches a build context from a URL
            kind = value.partition(":")[0]
            text = f"A path that starts with {kind}: is read by aml-deploy itself, and other tools cannot use it."
            remedy = "Apply the plan once and use the registered model, azureml:NAME:VERSION, or copy the files here."
            raise PlanInvalid([self.document.problem(key, text, remedy)])
        try:
            written = typed_path(value)
        except UnusablePath as unusable:
            raise PlanInvalid([self.document.problem(key, str(unusable))]) from None
        if written.is_absolute():
            return written.as_posix()
        relative = Path(os.path.relpath(real_path(self.document.base / written), self.folder))
        if not_utf8(relative):
            raise PlanInvalid([self.document.problem(key, *NOT_UTF8)])
        return relative.as_posix()

    def traffic(self) -> dict[str, Any]:
        """The plan's traffic split; without one, 100 for the new deployment."""
        shares = self.value("traffic")
        last = self.deployments()[-1]
        return dict(shares) if isinstance(shares, dict) and shares else {str(last.value("deployment.name")): 100}

    def variables(self) -> dict[str, bool]:
        """The environment variables that the plan refers to; True for those that hold secrets."""
        found: dict[str, bool] = {}
        for one in self.document.each():
            for item in FIELDS:
                if not one.asked(item.key):
                    continue
                for text in texts(one.value(item.key)):
                    for kind, name in REFERENCE.findall(text):
                        # A reference in the container's variables is usually a password, so it is treated as a secret.
                        hidden = item.kind == "secret" or item.key == "deployment.environment_variables"
                        if kind == "env":
                            found[name] = found.get(name, False) or hidden
        return found

    def notes(self) -> list[str]:
        """What of the plan only aml-deploy itself applies: time limits and golden requests."""
        found = []
        if self.document.get("limits"):
            found.append("The plan's limits are applied by aml-deploy apply only; these files do not contain them.")
        if self.written("test.requests"):
            found.append("These files do not send the plan's golden requests; aml-deploy invoke --golden does.")
        return found


def split(text: str) -> list[tuple[str, str]]:
    """Split a text with references into parts, in order: ("text", …), ("env", NAME), ("databricks", SCOPE/KEY), …."""
    parts: list[tuple[str, str]] = []
    end = 0
    for match in REFERENCE.finditer(text):
        if match.start() > end:
            parts.append(("text", text[end : match.start()]))
        parts.append((match.group(1), match.group(2)))
        end = match.end()
    if end < len(text) or not parts:
        parts.append(("text", text[end:]))
    return parts


def shell(value: Any) -> str:
    """A value as a word of a shell command; references become variables, `$NAME`."""
    import shlex

    if not has_reference(value):
        return shlex.quote(str(value))
    words = []
    for kind, text in split(str(value)):
        if kind == "text":
            words.append(text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$").replace("`", "\\`"))
        else:
            words.append(f"${{{variable(kind, text)}}}")
    return '"' + "".join(words) + '"'


def variable(kind: str, name: str) -> str:
    """The variable for a reference in targets that have only variables: SCOPE/KEY becomes SCOPE_KEY."""
    return name if kind == "env" else "".join(c if c.isalnum() else "_" for c in name).upper()
