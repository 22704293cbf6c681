"""Generates code for a test call. It never contains the key, but reads a variable that an az command sets."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from urllib.parse import urlsplit

from tui.common.request_body import FILE, JSON, content_type

VARIABLE = "AML_ENDPOINT_KEY"


@dataclass(frozen=True)
class Target:
    """The target of a call; `deployment` selects one explicitly. The names are for the command that gets the key."""

    uri: str
    deployment: str | None = None
    endpoint: str = ""
    workspace: str = ""
    resource_group: str = ""
    subscription_id: str = ""
    auth_mode: str = "key"

    def fetching(self) -> str:
        """Return the command that sets the variable to the key or token.

        See Microsoft, how-to-authenticate-online-endpoint.
        """
        if self.auth_mode == "aad_token":
            domain = (urlsplit(self.uri).hostname or "").partition(".inference.")[2]
            asked = ["az", "account", "get-access-token", "--resource", f"https://{domain or 'ml.azure.com'}"]
        else:
            asked = ["az", "ml", "online-endpoint", "get-credentials", "--name", self.endpoint or "ENDPOINT"]
            for option, value in (("--workspace-name", self.workspace), ("--resource-group", self.resource_group)):
                asked += [option, value or option.strip("-").upper()]
        if self.subscription_id:
            asked += ["--subscription", self.subscription_id]
        wanted = "primaryKey" if self.auth_mode == "key" else "accessToken"
        asked += ["--query", wanted, "--output", "tsv"]
        return f'export {VARIABLE}="$({shlex.join(asked)})"'


def as_curl(target: Target, body: str) -> str:
    """Return the call as a shell script with curl."""
    lines = [
        f"curl --fail-with-body -X POST {shlex.quote(target.uri)}",
        f'  -H "Authorization: Bearer ${VARIABLE}"',
        f"  -H 'Content-Type: {_content_type(body)}'",
    ]
    if target.deployment:
        lines.append(f"  -H {shlex.quote('azureml-model-deployment: ' + target.deployment)}")
    option = "--data-binary" if body.startswith(FILE) else "--data"
    lines.append(f"  {option} {shlex.quote(_compact(body))}")
    return target.fetching() + "\n" + " \\\n".join(lines) + "\n"


def as_python(target: Target, body: str) -> str:
    """Return the call as Python with requests."""
    headers = [f'    "Authorization": f"Bearer {{os.environ[\'{VARIABLE}\']}}",']
    if target.deployment:
        headers.append(f'    "azureml-model-deployment": {json.dumps(target.deployment)},')
    try:
        value = json.loads(body)
        payload, keyword = repr(value), "json"
    except (ValueError, RecursionError):
        file = body.startswith(FILE)
        payload, keyword = f"Path({body[1:]!r}).read_bytes()" if file else f"{body!r}.encode()", "data"
        headers.append(f'    "Content-Type": "{_content_type(body)}",')
    return "\n".join(
        [
            "# First, in the shell:",
            f"# {target.fetching()}",
            "import os",
            *(["from pathlib import Path"] if body.startswith(FILE) else []),
            "",
            "import requests",
            "",
            f"body = {payload}",
            "headers = {",
            *headers,
            "}",
            f"answer = requests.post({json.dumps(target.uri)}, {keyword}=body, headers=headers, timeout=190)",
            "print(answer.status_code, answer.headers.get('azureml-model-deployment'), answer.text)",
            "",
        ]
    )


def _content_type(body: str) -> str:
    """By the file's name only: a slow mount must not block the screen."""
    return content_type(body, b"\xff") if body.startswith(FILE) else JSON


def _compact(body: str) -> str:
    try:
        return json.dumps(json.loads(body), ensure_ascii=False, separators=(",", ":"))
    except (ValueError, RecursionError):
        return body
