"""Records every exchange with Azure, without secrets and names, for comparison with the rehearsal.

It uses the adapter of `requests`: azure-core, azure-identity, azure-storage-blob and azure-ai-ml all send through a
requests session if their transport has one, and calls to scoring URIs use a session directly.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import requests
from urllib3.util.retry import Retry

from tui.cloud.http.connections import SharingAdapter
from tui.cloud.recording.anonymise import Redactor
from tui.cloud.recording.known_words import REQUEST_HEADERS, RESPONSE_HEADERS
from tui.common.redact import hide

FORMAT = "aml-deploy recording 1"
MAX_BODY = 2 * 1024 * 1024  # bytes; of longer bodies only the length is recorded

RESOURCE_MANAGER = "resource-manager"
IDENTITY = "identity"
STORAGE = "storage"
SCORING = "scoring"
METADATA = "metadata"
# Blobs are the user's files; scoring requests and responses are the user's data.
_WITHOUT_BODIES = frozenset({STORAGE, SCORING})


class Recorder:
    """A recording: JSON Lines, one line for each exchange, in the order of the responses.

    Each line is written at once and completely, so a killed run leaves a readable file. Only placeholders and the
    secrets to search for are held in memory. Thread-safe.
    """

    def __init__(self, path: Path, secrets: tuple[str | None, ...] = ()) -> None:
        """Append to the file if a resumed run already has one. Raises OSError."""
        self._lock = threading.Lock()
        self._redactor = Redactor()
        for secret in secrets:
            self._redactor.learn(secret)
        self._seq = _lines(path)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        if self._seq == 0:
            self._write({"format": FORMAT, "started": _now(), "versions": _versions()})

    def session(self, service: str, connections: int = 10, retries: Retry | int = 0) -> requests.Session:
        """A requests session whose exchanges are recorded under a service's name."""
        from tui.cloud.http.connections import AzureSession

        session = AzureSession()
        for scheme in ("https://", "http://"):
            session.mount(scheme, _Adapter(self, service, connections, retries))
        return session

    def transport(self, service: str, connections: int = 10) -> Any:
        """A transport for azure-core clients whose exchanges are recorded."""
        from tui.cloud.http.connections import AZURE_RETRIES, transport

        return transport(self.session(service, connections, AZURE_RETRIES))

    def write(
        self,
        service: str,
        request: requests.PreparedRequest,
        response: requests.Response | None,
        error: BaseException | None,
        seconds: float,
    ) -> None:
        """Record one exchange; never raises, since recording must not make a run fail."""
        with self._lock:
            try:
                line = self._exchange(service, request, response, error, seconds)
            except Exception as problem:
                line = {"unrecorded": type(problem).__name__}
            self._write(line)

    def _exchange(
        self,
        service: str,
        request: requests.PreparedRequest,
        response: requests.Response | None,
        error: BaseException | None,
        seconds: float,
    ) -> dict[str, Any]:
        redactor = self._redactor
        for name in ("Authorization", "X-IDENTITY-HEADER", "Secret", "api-key"):
            redactor.learn(_text(request.headers.get(name, "")).partition(" ")[2] or _text(request.headers.get(name)))
        line: dict[str, Any] = {
            "service": service,
            "method": request.method,
            "url": redactor.url(request.url or ""),
            "request": {
                "headers": self._headers(request.headers, REQUEST_HEADERS),
                **self._plan_request(service, request),
            },
            "response": None if response is None else self._answer(service, response),
            "latency_ms": round(seconds * 1000, 1),
        }
        if error is not None:
            line["error"] = type(error).__name__
        return line

    def _headers(self, headers: Any, kept: frozenset[str]) -> dict[str, str]:
        found = {}
        for name, value in headers.items():
            low = name.lower()
            if low in kept or (kept is RESPONSE_HEADERS and low.startswith("x-ms-") and "meta" not in low):
                found[name] = self._redactor.header(name, _text(value))
        return found

    def _plan_request(self, service: str, request: requests.PreparedRequest) -> dict[str, Any]:
        length = int(request.headers.get("Content-Length") or 0)
        content = request.body
        if isinstance(content, str):
            content = content.encode()
        if not isinstance(content, bytes) or not content:
            return {"bytes": length}
        described: dict[str, Any] = {"bytes": len(content)}
        if service not in _WITHOUT_BODIES and len(content) <= MAX_BODY:
            kind = _text(request.headers.get("Content-Type")).lower()
            if "json" in kind:
                with contextlib.suppress(ValueError):
                    described["body"] = self._redactor.body(json.loads(content))
            elif "form-urlencoded" in kind:
                described["form"] = self._redactor.form(dict(parse_qsl(content.decode("utf-8", "replace"))))
        return described

    def _answer(self, service: str, response: requests.Response) -> dict[str, Any]:
        described: dict[str, Any] = {
            "status": response.status_code,
            "headers": self._headers(response.headers, RESPONSE_HEADERS),
        }
        if service in _WITHOUT_BODIES or "json" not in response.headers.get("Content-Type", "").lower():
            described["bytes"] = int(response.headers.get("Content-Length") or 0)
            return described
        # Read here; requests keeps it for the caller.
        content = response.content
        described["bytes"] = len(content)
        if content and len(content) <= MAX_BODY:
            with contextlib.suppress(ValueError):
                described["body"] = self._redactor.body(json.loads(content))
        return described

    def _write(self, content: dict[str, Any]) -> None:
        line = json.dumps({"seq": self._seq, "time": _now(), **content}, ensure_ascii=False)
        data = (hide(self._redactor.seal(line)) + "\n").encode("utf-8", "replace")
        self._seq += 1
        try:
            while data and self._file >= 0:
                data = data[os.write(self._file, data) :]
        except OSError as error:
            print(f"The recording ends here: {error.strerror or error}.", file=sys.stderr)
            os.close(self._file)
            self._file = -1


class _Adapter(SharingAdapter):
    """Sends like every other connection, and passes every exchange to the recorder."""

    def __init__(self, recorder: Recorder, service: str, connections: int, retries: Retry | int) -> None:
        self._recorder = recorder
        self._service = service
        super().__init__(service != STORAGE, pool_maxsize=connections, max_retries=retries)

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        """Send one request. Raises what requests raises."""
        started = time.perf_counter()
        try:
            response = super().send(request, **options)
        except Exception as error:
            self._recorder.write(self._service, request, None, error, time.perf_counter() - started)
            raise
        self._recorder.write(self._service, request, response, None, time.perf_counter() - started)
        return response


def _lines(path: Path) -> int:
    """The number of lines in the file; a truncated last line is terminated."""
    count, last = 0, b"\n"
    try:
        with path.open("rb") as file:
            while chunk := file.read(1024 * 1024):
                count += chunk.count(b"\n")
                last = chunk[-1:]
    except FileNotFoundError:
        return 0
    if last != b"\n":
        with path.open("ab") as file:
            file.write(b"\n")
        count += 1
    return count


def _versions() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for name in ("aml-deploy", "azure-ai-ml", "azure-identity", "azure-storage-blob"):
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value or "")
