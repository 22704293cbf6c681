"""Replays a recording against a separate rehearsal, and compares the responses."""

from __future__ import annotations

import contextlib
import re
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Any
from urllib.parse import unquote

import requests

from tui.rehearsal.compare.assets_before import default_container, registered_before, requests_for
from tui.rehearsal.compare.bindings import Bindings
from tui.rehearsal.compare.shapes import OUTCOME, STATUS, UNKNOWN, Difference, compare_bodies, compare_headers

# Long enough to build an environment.
SETTLE_SECONDS = 900.0
_TERMINAL = frozenset({"succeeded", "failed", "canceled"})
_MOVING = frozenset({"creating", "updating", "deleting", "scaling"})
_POLLS = ("/mfeOperationsStatus/", "/mfeOperationResults/")
_STORAGE_VERSION = "2023-11-03"
_SCRIPT = 'def init():\n    pass\n\n\ndef run(data):\n    return {"received": len(data)}\n'
_MLMODEL = "flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n"


@dataclass(frozen=True)
class Found:
    """A difference with the operation and the first recorded exchange that shows it."""

    operation: str
    seq: int
    difference: Difference


@dataclass
class Outcome:
    """The result of a comparison. `skipped` is the number of exchanges that could not be compared, by reason."""

    compared: int = 0
    operations: set[str] = field(default_factory=set)
    found: list[Found] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Target:
    """The rehearsal to send a recording to: its origin, environment variables, and identity."""

    origin: str
    variables: Mapping[str, str]
    tenant: str


class Replay:
    """The replay of one recording against one rehearsal."""

    def __init__(self, target: Target, bindings: Bindings, exchanges: list[dict[str, Any]]) -> None:
        self._target = target
        self._bindings = bindings
        self._exchanges = exchanges
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = target.variables["REQUESTS_CA_BUNDLE"]
        self._tokens: dict[str, str] = {}
        self._secrets: dict[str, str] = {}
        self._scoring: dict[str, str] = {}
        self._blocks: dict[str, list[str]] = {}
        self._absent: set[str] = set()
        self._made: set[str] = set()
        self.outcome = Outcome()

    def run(self) -> Outcome:
        """Send all requests in order. Raises requests.RequestException if the rehearsal does not answer."""
        self._register_before()
        last = {item["url"]: number for number, item in enumerate(self._exchanges) if _is_poll(item)}
        polled: set[str] = set()
        for number, item in enumerate(self._exchanges):
            reason = self._not_compared(item)
            if reason is None and _is_poll(item) and number != last[item["url"]]:
                if item["url"] in polled or _state(item["response"].get("body")) in _TERMINAL:
                    reason = "repeated poll of the same operation"
                polled.add(item["url"])
            if reason is None:
                reason = self._exchange(item)
            if reason is not None:
                self.outcome.skipped[reason] += 1
            else:
                self.outcome.compared += 1
                self.outcome.operations.add(operation(item))
        return self.outcome

    def _register_before(self) -> None:
        assets = registered_before(self._exchanges)
        if assets:
            container = self._send(default_container()).json()["properties"]["containerName"]
            for item in requests_for(assets, container):
                self._send(item).raise_for_status()

    @staticmethod
    def _not_compared(item: Mapping[str, Any]) -> str | None:
        response = item.get("response")
        if response is None:
            return "no response was recorded"
        if response["status"] == 429 or response["status"] >= 500:
            return "Azure was throttling or temporarily failing"
        if item["service"] == "identity" and not any(
            part in item["url"] for part in ("/msi/token", "/oauth2/v2.0/token", "/.well-known/", "/discovery/instance")
        ):
            return "a way to sign in that the rehearsal does not offer"
        return None

    def _exchange(self, item: dict[str, Any]) -> str | None:
        """Send one request and compare the response; return the reason if it was not compared."""
        answer = self._until_as_settled(item)
        recorded = item["response"]
        body = _json(answer)
        reason = self._existed_before(item, answer.status_code)
        self._remember(item, answer, body)
        if reason is not None:
            return reason
        code = (body.get("error") or {}).get("code") if isinstance(body, dict) and "error" in body else None
        if answer.status_code != recorded["status"]:
            unknown = answer.status_code in (405, 501) or code == "InvalidResourceType"
            said = f"{answer.status_code}{f' {code}' if isinstance(code, str) else ''}"
            differences = [Difference(UNKNOWN if unknown else STATUS, "", str(recorded["status"]), said)]
        else:
            differences = self._compare(item, answer, body)
        shown = operation(item)
        self.outcome.found += [Found(shown, item["seq"], difference) for difference in differences]
        return None

    def _compare(self, item: Mapping[str, Any], answer: requests.Response, body: Any) -> list[Difference]:
        recorded = item["response"]
        differences = []
        passing: list[str] = []
        then = recorded.get("body")
        if item["service"] not in ("scoring", "storage"):
            was, now = _state(then), _state(body)
            if was in _TERMINAL and now in _TERMINAL and was != now:
                differences.append(Difference(OUTCOME, "", was, f"{now}: {_message(body)}".rstrip(": ")))
            if was != now:
                # An ended operation returns more than one in progress.
                passing = ["endTime", "error", "properties.scoringUri", "properties.swaggerUri"]
            if then is not None or body is not None:
                differences += compare_bodies(then, body, passing)
        return differences + compare_headers(recorded["headers"], answer.headers)

    def _existed_before(self, item: Mapping[str, Any], status: int) -> str | None:
        """Why a response depends on the workspace's content rather than on the service, or None."""
        path, then = _path(item), item["response"]["status"]
        if item["service"] == "scoring" and self._bindings.address(item["url"]) not in self._scoring:
            return "something that existed before the recording"
        if item["method"] in ("GET", "POST") and status == 404 and then < 300:
            parents = [made for made in self._made if path.startswith(made)]
            return None if parents or _is_unnamed(path) else "something that existed before the recording"
        if item["method"] == "PUT" and {then, status} == {200, 201} and path not in self._absent | self._made:
            return "not recorded whether it existed before"
        return None

    def _remember(self, item: Mapping[str, Any], answer: requests.Response, body: Any) -> None:
        recorded, path = item["response"], _path(item)
        if recorded["status"] == 404:
            self._absent.add(path)
        if item["method"] == "PUT" and answer.ok:
            self._made.add(path)
        self._bindings.learn(dict(_lower(recorded["headers"])), dict(_lower(answer.headers)))
        self._bindings.learn(recorded.get("body"), body)
        if not isinstance(body, dict):
            return
        resource = answer.url.partition("?")[0]
        uri = (body.get("properties") or {}).get("scoringUri") if isinstance(body.get("properties"), dict) else None
        if uri:
            self._scoring[uri] = resource
        secret = body.get("primaryKey") or body.get("accessToken")
        if secret:
            self._secrets[resource.rpartition("/")[0]] = secret

    # Sending

    def _until_as_settled(self, item: dict[str, Any]) -> requests.Response:
        """The response; if Azure's operation had ended, the rehearsal's response after its own has ended."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            answer = self._send(item)
            waits = item["method"] == "GET" and _state(item["response"].get("body")) in _TERMINAL
            if not waits or _state(_json(answer)) not in _MOVING or time.monotonic() > deadline:
                return answer
            time.sleep(0.1)

    def _send(self, item: dict[str, Any]) -> requests.Response:
        service = item["service"]
        url = self._bindings.address(item["url"])
        if service == "identity":
            return self._sign_in(item, url)
        headers = {"Accept": "application/json"}
        data: Any = None
        if service == "storage":
            headers = {"Authorization": f"Bearer {self._token('https://storage.azure.com')}"}
            headers["x-ms-version"] = _STORAGE_VERSION
            kind = _lower(item["request"]["headers"]).get("x-ms-blob-type")
            headers.update({"x-ms-blob-type": kind} if kind else {})
            data = self._blob(item, url)
        elif service == "scoring":
            resource = self._scoring.get(url, "")
            wrong = item["response"]["status"] == 401
            secret = "wrong" if wrong else self._secrets.get(resource) or self._token("https://ml.azure.com")
            headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
            pinned = _lower(item["request"]["headers"]).get("azureml-model-deployment")
            headers.update({"azureml-model-deployment": self._bindings.text(pinned)} if pinned else {})
            data = b"{}"
        elif service == "resource-manager":
            headers["Authorization"] = f"Bearer {self._token(self._target.origin)}"
        body = self._bindings.body(item["request"]["body"]) if "body" in item["request"] else None
        return self._session.request(
            item["method"], url, headers=headers, data=data, json=body, timeout=(10, 200), allow_redirects=False
        )

    def _blob(self, item: Mapping[str, Any], url: str) -> Any:
        """Content for a blob with the recorded length; scripts and model files are working ones."""
        length = int(item["request"].get("bytes") or 0)
        name = item["url"].partition("?")[0].rpartition("/")[2]
        base, _, query = url.partition("?")
        if item["method"] != "PUT":
            return None
        if "comp=blocklist" in query:
            listed = "".join(f"<Latest>{block}</Latest>" for block in self._blocks.pop(base, []))
            return f'<?xml version="1.0" encoding="utf-8"?><BlockList>{listed}</BlockList>'.encode()
        if "comp=block" in query:
            block = unquote(query.partition("blockid=")[2].partition("&")[0])
            self._blocks.setdefault(base, []).append(block)
        elif name.endswith(".py"):
            return _SCRIPT.encode().ljust(length, b"\n")
        elif name == "MLmodel":
            return _MLMODEL.encode()
        return _zeros(length) if length else b""

    def _sign_in(self, item: Mapping[str, Any], url: str) -> requests.Response:
        variables = self._target.variables
        if "/msi/token" in url:
            header = variables["IDENTITY_HEADER"] if item["response"]["status"] == 200 else "wrong"
            return self._managed_identity(self._target.origin, header)
        if item["method"] != "POST":
            return self._session.get(url, timeout=30)
        secret = variables["REHEARSAL_CLIENT_SECRET"] if item["response"]["status"] == 200 else "wrong"
        form = {
            "grant_type": "client_credentials",
            "client_id": variables["REHEARSAL_CLIENT_ID"],
            "client_secret": secret,
            "scope": f"{self._target.origin}/.default",
        }
        return self._session.post(f"{self._target.origin}/{self._target.tenant}/oauth2/v2.0/token", form, timeout=30)

    def _managed_identity(self, resource: str, header: str) -> requests.Response:
        return self._session.get(
            self._target.variables["IDENTITY_ENDPOINT"],
            params={"resource": resource, "api-version": "2019-08-01"},
            headers={"X-IDENTITY-HEADER": header},
            timeout=30,
        )

    def _token(self, resource: str) -> str:
        if resource not in self._tokens:
            answer = self._managed_identity(resource, self._target.variables["IDENTITY_HEADER"])
            answer.raise_for_status()
            self._tokens[resource] = answer.json()["access_token"]
        return self._tokens[resource]


def operation(item: Mapping[str, Any]) -> str:
    """Method and path of a recorded exchange as an operation, with names replaced by their kind."""
    path = re.sub(r"-\d+\}", "}", item["url"].partition("?")[0])
    path = re.sub(r"^https://[^/]+", "", path) if item["service"] != "storage" else re.sub(r"^https://", "", path)
    path = re.sub(r"^/subscriptions/.*/workspaces/[^/]+", "…/workspaces/{workspace}", path, flags=re.IGNORECASE)
    path = re.sub(r"^/subscriptions/.*/providers/[^/]+", "…", path, flags=re.IGNORECASE)
    if item["service"] == "storage":
        path = "{account}.blob/{container}" + ("/{blob}" if path.count("/") > 1 else "")
        comp = re.search(r"comp=([a-z]+)", item["url"])
        path += f"?comp={comp.group(1)}" if comp else ""
    return f"{item['method']} {re.sub(r'(:{guid})+', ':{guid}', path)}"


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _path(item: Mapping[str, Any]) -> str:
    return str(item["url"].partition("?")[0])


def _is_unnamed(path: str) -> bool:
    """Whether a path contains no user-created name: an operation on the region, or a list."""
    return "/workspaces/{workspace}/" not in path or "{" not in path.partition("/workspaces/{workspace}/")[2]


def _is_poll(item: Mapping[str, Any]) -> bool:
    return item["method"] == "GET" and any(part in item["url"] for part in _POLLS) and bool(item.get("response"))


def _json(answer: requests.Response) -> Any:
    with contextlib.suppress(ValueError):
        return answer.json() if "json" in answer.headers.get("Content-Type", "") else None
    return None


def _state(body: Any) -> str:
    """The state of an operation or resource in lower case; empty if the body has none."""
    if not isinstance(body, dict):
        return ""
    properties = body.get("properties")
    state = properties.get("provisioningState") if isinstance(properties, dict) else body.get("status")
    return state.lower() if isinstance(state, str) else ""


def _message(body: Any) -> str:
    error = body.get("error") if isinstance(body, dict) else None
    return str(error.get("message", ""))[:300] if isinstance(error, dict) else ""


def _zeros(length: int) -> IO[bytes]:
    """A sparse file of that length, which uses neither memory nor disk."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 (requests reads it later)
    file.truncate(length)
    return file
