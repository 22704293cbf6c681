"""What both kinds of pipeline share: the plan's copy in the repository, the commands of each stage, the comments."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tui.export.plan_source import Source, shell, split
from tui.export.targets import ExportedFile
from tui.plan.fields.all_fields import BY_KEY, FIELDS
from tui.plan.load_save.document import Document, is_local_path
from tui.plan.load_save.references import has_reference

CHOOSE = """\
az extension add --name ml --upgrade --only-show-errors
shares=$(az ml online-endpoint show --name "$ENDPOINT" --resource-group "$GROUP" \\
  --workspace-name "$WORKSPACE" --subscription "$SUBSCRIPTION" --query traffic --output json 2>/dev/null || echo '{}')
serving=$(python -c 'import json, sys
shares = json.loads(sys.argv[1]) or {}
print(max(shares, key=shares.get) if any(shares.values()) else "")' "$shares")
if [ "$serving" = blue ]; then next=green; else next=blue; fi
echo "Serving: ${serving:-nobody yet}. Deploying: $next."
"""
"""Sets $next and $serving: blue and green take turns, and the one that serves is never touched."""


class Pipeline:
    """A plan with one deployment, as a pipeline applies it."""

    def __init__(self, source: Source) -> None:
        one = source.only
        self.source = one
        self.endpoint = str(one.value("endpoint.name"))
        self.title = self.endpoint if not has_reference(self.endpoint) else "the endpoint"
        self.slug = re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")
        document, self.notes = _portable(one.document, source.folder)
        self.plan_file = ExportedFile(f"{self.slug}.plan.yml", _HEAD + document.as_yaml())
        variables = Source(document, source.folder).variables()
        self.hidden = sorted(name for name, hidden in variables.items() if hidden)
        self.plain = sorted(name for name, hidden in variables.items() if not hidden)
        self.private = one.value("endpoint.public_network_access") == "disabled"
        self.request = one.path("test.request")
        if not self.request:
            self.notes.append("The plan has no test.request, so the pipeline deploys and shifts without a test call.")
        self.notes += [
            f"{key} of the plan is not in the pipeline; it shifts in two steps."
            for key in ("rollout",)
            if one.document.get(key)
        ]

    @property
    def watched(self) -> list[str]:
        """What starts the pipeline when it changes: the plan and the files that it names."""
        found = [self.plan_file.path]
        for item in FIELDS:
            if item.kind != "path" or not self.source.asked(item.key):
                continue
            value = self.source.written(item.key)
            if not isinstance(value, str) or not is_local_path(value) or has_reference(value):
                continue
            path = self.source.path(item.key)
            if path and not path.startswith(("/", "..")):
                folder = (self.source.folder / path).is_dir() or item.must_exist == "folder"
                found.append(f"{path}/**" if folder else path)
        return found

    def subscription(self, form: str) -> str:
        """The subscription; a reference in the pipeline's own form, such as `${{ vars.%s }}`."""
        return translated(self.source.value("workspace.subscription_id"), form)

    @property
    def where(self) -> str:
        """Shell assignments of subscription, group and workspace."""
        keys = (("SUBSCRIPTION", "subscription_id"), ("GROUP", "resource_group"), ("WORKSPACE", "name"))
        return "".join(f"{name}={shell(self.source.value(f'workspace.{key}'))}\n" for name, key in keys)

    @property
    def check(self) -> str:
        """The preflight; it ends with 3 where something blocks."""
        return 'aml-deploy check "$PLAN"\n'

    @property
    def choose(self) -> str:
        """Sets $next and $serving."""
        return "set -euo pipefail\n" + self.where + CHOOSE

    @property
    def deploy(self) -> str:
        """The new deployment; requests stay where they are, but for the very first one."""
        return (
            "set -euo pipefail\n"
            'aml-deploy apply "$PLAN" --yes --json \\\n'
            '  --set deployment.name="$NEXT" --set traffic="{${SERVING:-$NEXT}: 100}" --set test.request=\n'
        )

    @property
    def test(self) -> str:
        """A call to the new deployment alone."""
        if not self.request:
            return "echo 'The plan has no test.request.'\n"
        return f'{self._call} --deployment "$NEXT" --json\n'

    @property
    def _call(self) -> str:
        return f'aml-deploy invoke "$ENDPOINT" --plan "$PLAN" --request {shell(self.request)}'

    @property
    def shift(self) -> str:
        """All requests to the new deployment, a tenth of them first; each step is tested."""
        call = f"{self._call} --json" if self.request else ":"
        return (
            "set -euo pipefail\n"
            'if [ -n "$SERVING" ]; then\n'
            '  aml-deploy traffic "$ENDPOINT" "$SERVING=90" "$NEXT=10" --plan "$PLAN" --json\n'
            f"  for _ in 1 2 3 4 5 6 7 8 9 10; do {call}; done\n"
            "fi\n"
            'aml-deploy traffic "$ENDPOINT" "$NEXT=100" --plan "$PLAN" --json\n'
            f"{call}\n"
        )

    @property
    def roll_back(self) -> str:
        """All requests to the deployment that served before; the new one stays for looking into."""
        return 'if [ -n "$SERVING" ]; then\n  aml-deploy traffic "$ENDPOINT" "$SERVING=100" --plan "$PLAN" --json\nfi\n'

    def about_runner(self, word: str) -> list[str]:
        """Why the runner must stand in the network; nothing for a public endpoint."""
        if not self.private:
            return []
        return [
            f"  3. A self-hosted {word} in the virtual network, with the Azure CLI: the endpoint and the workspace's",
            "     storage are private, so a hosted one can neither upload nor call.",
        ]


def translated(value: Any, form: str) -> str:
    """A value whose references are written in another form."""
    if not has_reference(value):
        return str(value)
    return "".join(text if kind == "text" else form % text for kind, text in split(str(value)))


def _portable(document: Document, folder: Path) -> tuple[Document, list[str]]:
    """The plan for the folder, which signs in by the pipeline; and what is not in the folder."""
    there = document.rebased(folder)
    there.path = None
    there.tree["credential"] = {"method": "azure_cli"}
    notes = []
    for item in FIELDS:
        value = there.get(item.key)
        if item.kind == "path" and isinstance(value, str) and value.startswith("/"):
            notes.append(f"{item.key} is outside of {folder}: {value}. Put it into the repository, beside the plan.")
        if BY_KEY[item.key].kind == "secret" and value is not None:
            there.set(item.key, None, "export")
    return there, notes


_HEAD = "# The plan as the pipeline applies it; the pipeline signs in, with the Azure CLI.\n"


def dump(tree: dict[str, Any], about: list[str]) -> str:
    """YAML with a comment above; scripts are written as blocks, line by line."""
    import yaml

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            return True

    def text(dumper: Any, value: str) -> Any:
        style = "|" if "\n" in value else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    head = "\n".join(f"# {line}".rstrip() for line in about)
    body = yaml.dump(tree, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=200)
    return f"{head}\n\n{body.replace(chr(39) + 'on' + chr(39) + ':', 'on:', 1)}"
