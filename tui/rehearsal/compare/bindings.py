"""Maps the placeholders of a recording to values in the rehearsal that it is replayed against."""

from __future__ import annotations

import base64
import re
import sys
import uuid
from collections.abc import Mapping
from typing import Any, Callable
from urllib.parse import parse_qsl, quote, urlencode

from tui.rehearsal.compare.shapes import PLACEHOLDER, pattern

IMAGE = "mcr.microsoft.com/azureml/minimal-ubuntu22.04-py39-cpu-inference:latest"
CONDA = (
    f"dependencies: [python={sys.version_info[0]}.{sys.version_info[1]}, pip, "
    "{pip: [azureml-inference-server-http]}]\n"
)
_MADE_UP: dict[str, Callable[[int], str]] = {
    "image": lambda _: IMAGE,
    "conda-file": lambda _: CONDA,
    "hash": "{:064x}".format,
    "block": lambda number: base64.b64encode(f"{number:032d}".encode()).decode(),
    "key": "KEY_{}".format,
    **dict.fromkeys(("guid", "code", "client", "tenant", "subscription"), lambda _: str(uuid.uuid4())),
}
_BLOBS = re.compile(r"https://\{account-\d+\}\.(?:blob|dfs)\.[^/]+")
_ROOT = re.compile(r"https://[^/]+")


class Bindings:
    """Values by placeholder: given at the start, learned from the rehearsal's responses, or invented."""

    def __init__(self, origin: str, given: Mapping[str, str]) -> None:
        self.origin = origin
        self.blobs = f"{origin}/rehearsal.blob.core.windows.net"
        self._values = dict(given)
        self._addresses: dict[str, str] = {}

    def text(self, recorded: str) -> str:
        """A recorded text with its placeholders replaced by values."""
        return PLACEHOLDER.sub(lambda found: self._value(found.group(), found.group(1), found.group(2)), recorded)

    def body(self, recorded: Any) -> Any:
        """A recorded request body with its placeholders replaced by values."""
        if isinstance(recorded, dict):
            return {self.text(key): self.body(value) for key, value in recorded.items()}
        if isinstance(recorded, list):
            return [self.body(item) for item in recorded]
        if isinstance(recorded, str):
            return self.address(recorded) if recorded.startswith("https://") else self.text(recorded)
        return recorded

    def address(self, recorded: str) -> str:
        """The URL of a recorded request in the rehearsal."""
        if recorded in self._addresses:
            return self._addresses[recorded]
        base, _, query = recorded.partition("?")
        blobs = _BLOBS.match(base)
        if blobs:
            path, root = base[blobs.end() :], self.blobs
        else:
            host = _ROOT.match(base)
            path, root = base[host.end() if host else 0 :], self.origin
        shown = quote(self.text(path), safe="/:@$,")
        kept = [(key, self.text(value)) for key, value in parse_qsl(query) if value != "{value}"]
        if blobs:
            # The signature was not recorded; a token is used instead.
            kept = [(key, value) for key, value in kept if key not in ("sv", "sr", "sp", "spr")]
        return f"{root}{shown}{'?' + urlencode(kept) if kept else ''}"

    def learn(self, recorded: Any, found: Any) -> None:
        """Learn the values of placeholders by comparing a recorded response with the rehearsal's."""
        if isinstance(recorded, dict) and isinstance(found, dict):
            for key, value in recorded.items():
                if key in found:
                    self.learn(value, found[key])
        elif isinstance(recorded, list) and isinstance(found, list):
            for one, other in zip(recorded, found):
                self.learn(one, other)
        elif isinstance(recorded, str) and isinstance(found, str) and "{" in recorded:
            self._learn(recorded, found)

    def _learn(self, recorded: str, found: str) -> None:
        if recorded.startswith("https://") and found.startswith("https://"):
            self._addresses[recorded] = found
            recorded, found = _without_query(recorded), _without_query(found)
            found = found.replace(self.blobs, "https://account.blob.core.windows.net")
        match = re.fullmatch(pattern(recorded), found, re.IGNORECASE)
        if match is None:
            return
        for placeholder, value in zip(PLACEHOLDER.finditer(recorded), match.groups()):
            if placeholder.group(2) and placeholder.group(1) not in ("host", "account"):
                self._values.setdefault(placeholder.group(), value)

    def _value(self, placeholder: str, kind: str, number: str | None) -> str:
        found = self._values.get(placeholder)
        if found is None:
            found = _made_up(kind, int(number or 0))
            if number:
                self._values[placeholder] = found
        return found


def _without_query(address: str) -> str:
    return address.partition("?")[0]


def _made_up(kind: str, number: int) -> str:
    make = _MADE_UP.get(kind)
    if make is not None:
        return make(number)
    return f"{kind}-{number}" if number else kind
