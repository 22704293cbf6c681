"""What the log of calls tells of one: when, how long, the answer, and the command that asks the same, without secrets.

Calls to Resource Manager are Azure CLI commands (`az ml …` where there is one without a file, else `az rest`, whose
`/subscriptions/…` is of the cloud that az is set to), others curl's, with `$TOKEN` and `$SAS` for what was hidden.
"""

from __future__ import annotations

import json
import re
import shlex
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Callable
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from tui.cloud.recording.known_words import QUERY, QUERY_NAMES, SAFE_FIELDS, SECRET_FIELDS
from tui.common import call_log
from tui.common.az_command import az
from tui.common.redact import HIDDEN, hide, looks_secret

if TYPE_CHECKING:
    import requests

_LONGEST = 4000  # characters of a body in a command
_RESOURCE_MANAGER = re.compile(r"/(?:subscriptions|providers)(?:/(?!.*metrics:getBatch)|$)", re.IGNORECASE)
_TOKENS = ("/token", "/metadata/identity/oauth2/token")
# Parameters that are shown: not those of a SAS, which `$SAS` stands for, nor the signatures of operations.
_SHOWN = "resource scope delimiter blocklisttype marker timespan interval metricnames metricnamespace aggregation tags"
_QUERY = {*(QUERY - {"sv", "sr", "sp", "spr"}), *QUERY_NAMES, *_SHOWN.split(), "$filter"}
# The commands of requests without a body, by method and by path below the resource group.
_ML, _IN = "Microsoft.MachineLearningServices/workspaces", "/{workspace_name}"
_COMMANDS = {
    f"GET {_ML}": "ml workspace list",
    f"GET {_ML}/{{name}}": "ml workspace show",
    f"GET {_ML}{_IN}/onlineEndpoints": "ml online-endpoint list",
    f"GET {_ML}{_IN}/onlineEndpoints/{{name}}": "ml online-endpoint show",
    f"DELETE {_ML}{_IN}/onlineEndpoints/{{name}}": "ml online-endpoint delete --yes",
    f"POST {_ML}{_IN}/onlineEndpoints/{{name}}/listKeys": "ml online-endpoint get-credentials",
    f"POST {_ML}{_IN}/onlineEndpoints/{{name}}/token": "ml online-endpoint get-credentials",
    f"GET {_ML}{_IN}/onlineEndpoints/{{endpoint_name}}/deployments": "ml online-deployment list",
    f"GET {_ML}{_IN}/onlineEndpoints/{{endpoint_name}}/deployments/{{name}}": "ml online-deployment show",
    f"GET {_ML}{_IN}/models": "ml model list",
    f"GET {_ML}{_IN}/models/{{name}}/versions": "ml model list",
    f"GET {_ML}{_IN}/models/{{name}}/versions/{{version}}": "ml model show",
    f"GET {_ML}{_IN}/environments": "ml environment list",
    f"GET {_ML}{_IN}/environments/{{name}}/versions": "ml environment list",
    f"GET {_ML}{_IN}/environments/{{name}}/versions/{{version}}": "ml environment show",
    "GET Microsoft.ContainerRegistry/registries/{name}": "acr show",
    "GET Microsoft.KeyVault/vaults/{name}": "keyvault show",
    "GET Microsoft.ManagedIdentity/userAssignedIdentities/{name}": "identity show",
    "GET Microsoft.Storage/storageAccounts/{name}": "storage account show",
}
# Of a call by curl; what it signs in with is left out.
_HEADERS = ("Content-Type", "Range", "x-ms-range", "x-ms-version", "x-ms-blob-type", "azureml-model-deployment")
_GROUP = r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<resource_group>[^/]+)/providers/"


def _pattern(request: str) -> re.Pattern[str]:
    method, _, path = request.partition(" ")
    below = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path))
    return re.compile(f"{method} {_GROUP}{below}", re.IGNORECASE)


_PATTERNS = [(_pattern(request), command) for request, command in _COMMANDS.items()]


@contextmanager
def logged(request: requests.PreparedRequest) -> Iterator[list[requests.Response]]:
    """Log a request with the response that is put into the yielded list, or the error that is raised inside."""
    answer: list[requests.Response] = []
    with _logged(lambda: _described(request, answer)):
        yield answer


def logged_command(*words: str) -> AbstractContextManager[None]:
    """Log what another library asks inside, by its own connections, as a command."""
    return _logged(lambda: {"command": shlex.join(words)})


@contextmanager
def _logged(describe: Callable[[], dict[str, Any]]) -> Iterator[None]:
    """Log what is done inside. A description that fails does not make the call fail."""
    began, started, error = datetime.now(timezone.utc), time.monotonic(), {}
    try:
        yield
    except BaseException as problem:
        error = {"error": type(problem).__name__}
        raise
    finally:
        call: dict[str, Any] = {"time": began.isoformat(timespec="milliseconds")[:-6] + "Z"}
        call["ms"] = round((time.monotonic() - started) * 1000)
        try:
            call.update(describe())
        except Exception as problem:
            call["unknown"] = type(problem).__name__
        call_log.write({**call, **error})


def _described(request: requests.PreparedRequest, answer: list[requests.Response]) -> dict[str, Any]:
    url, method = hide(str(request.url)), str(request.method)  # before a secret is quoted
    sent = int(request.headers.get("Content-Length") or 0)
    body = request.body if isinstance(request.body, (str, bytes)) else b""
    call = {"method": method, "url": without_secrets(url), "sent": sent}
    for response in answer:
        length = response.headers.get("Content-Length")
        call.update(status=response.status_code, received=int(length) if length else None)
        call["request_id"] = response.headers.get("x-ms-request-id") or response.headers.get("x-request-id")
    return {**call, "command": command(method, url, body, sent, request.headers)}


def without_secrets(url: str) -> str:
    """An address without the parameters that are not known to be harmless, such as those of a SAS."""
    parts = urlsplit(url)
    query = parse_qsl(parts.query, True)
    kept = [(name, value) for name, value in query if name.lower() in _QUERY]
    if len(kept) == len(query) and not parts.fragment:
        return url
    return parts._replace(query=urlencode(kept, safe="$,/:'"), fragment="").geturl()


def command(
    method: str, url: str, body: str | bytes = b"", sent: int = 0, headers: Mapping[str, str | bytes] | None = None
) -> str:
    """The command that asks the same; `sent` is the length of a body that is not given."""
    text = _text(body)
    parts, shown = urlsplit(url), without_secrets(url)
    query = dict(parse_qsl(parts.query))
    if parts.path.endswith(_TOKENS) and "onlineendpoints" not in parts.path.lower():
        asked = {**query, **dict(parse_qsl(text))}
        return az("account get-access-token", **{name: asked[name] for name in ("scope", "resource") if name in asked})
    if _RESOURCE_MANAGER.match(parts.path) and "api-version" in query:
        if not text and not sent and set(query) == {"api-version"}:
            for pattern, known in _PATTERNS:
                if found := pattern.fullmatch(f"{method} {unquote(parts.path)}"):
                    return az(known, **dict(reversed(list(found.groupdict().items()))))  # its name first
        relative = shown[shown.index(parts.path) :]
        return az("rest", method=method.lower(), url=relative, **_body(text, sent))
    given = headers or {}
    lines = [shlex.quote(f"{name}: {_text(given[name])}") for name in _HEADERS if name in given]
    lines += ['"Authorization: Bearer $TOKEN"'] if "Authorization" in given else []
    how = "--head" if method == "HEAD" else f"--request {method}"  # by --request, curl would wait for a body
    words = ["curl", how, *(f"--header {line}" for line in lines)]
    words += ["--data-binary @FILE"] if text or sent else []
    sas = f'"{"&" if "?" in shown else "?"}$SAS"' if "sig" in query else ""
    return " ".join([*words, shlex.quote(shown) + sas])


def _text(given: str | bytes) -> str:
    return given.decode("utf-8", "replace") if isinstance(given, bytes) else given


def _body(text: str, sent: int) -> dict[str, str]:
    """The body of a request to Resource Manager as an option of `az rest`."""
    if not text and not sent:
        return {}
    try:
        body = json.dumps(_cleaned("", json.loads(text)), ensure_ascii=False)
    except ValueError:
        body = ""
    return {"body": body if 0 < len(body) <= _LONGEST else "@FILE"}


def _cleaned(name: str, value: Any) -> Any:
    """A value of a body without what its name or characters tell to be a secret, nor any environment variable's value.

    A reference may have taken the latter from where only this process can read it; users name it, and tags, themselves.
    """
    if isinstance(value, Mapping):
        if name == "environmentVariables":
            return dict.fromkeys(value, HIDDEN)
        return {key: _cleaned(str(key), one) for key, one in value.items()}
    if isinstance(value, list):
        return [_cleaned(name, one) for one in value]
    if not isinstance(value, str) or not value:
        return value
    if name in SAFE_FIELDS:
        name = ""  # its characters still count
    return HIDDEN if SECRET_FIELDS.search(name) or looks_secret(name, value) else value
