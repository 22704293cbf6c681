"""The ways in which the hostile proxy answers a call, and how often each is met."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

from tests.hostile.proxy import Answer, Behaviour, Exchange, Proxy

JSON = ("Content-Type", "application/json")


@dataclass(frozen=True)
class Hostile:
    """A behaviour, how many calls of a kind meet it, and whether a run must get over it by itself.

    `empty`: it says that there is nothing. `lasting`: all later calls fail too, also of other kinds.
    """

    behaviour: Behaviour
    times: float = math.inf
    passes: bool = False
    empty: bool = False
    lasting: bool = False


def status(code: int, body: bytes = b"", *headers: tuple[str, str]) -> Behaviour:
    """Answer so without asking the rehearsal."""
    return lambda exchange: exchange.reply(code, body, list(headers) or [JSON])


def error(code: int, name: str, *headers: tuple[str, str]) -> Behaviour:
    """An error as Resource Manager gives it."""
    return status(code, json.dumps({"error": {"code": name, "message": f"{name} was said."}}).encode(), JSON, *headers)


def drip(exchange: Exchange) -> None:
    """A byte a second."""
    answer = exchange.ask()
    exchange.head(answer.status, answer.headers, len(answer.body) + 1000)
    for number in range(len(answer.body) + 1000):
        exchange.pause(1.0)
        exchange.write(answer.body[number : number + 1] or b" ")


def cut(exchange: Exchange) -> None:
    """Half of the body."""
    answer = exchange.ask()
    exchange.head(answer.status, answer.headers, len(answer.body) + 1)
    exchange.write(answer.body[: len(answer.body) // 2])


def lost(exchange: Exchange) -> None:
    """The work is done, and nothing is said."""
    exchange.ask()


def with_header(name: str, value: str) -> Behaviour:
    """The answer with another header."""

    def answer(exchange: Exchange) -> None:
        found: Answer = exchange.ask()
        kept = [pair for pair in found.headers if pair[0].lower() != name.lower()]
        exchange.reply(found.status, found.body, [*kept, (name, value)])

    return answer


def echo(exchange: Exchange) -> None:
    """A refusal that repeats the request: its headers, with what it signs in with, and its body."""
    said = json.dumps(exchange.headers) + exchange.body[:5000].decode("latin-1")
    body = {"error": {"code": "BadRequest", "message": f"Not understood: {said}"}}
    exchange.reply(400, json.dumps(body).encode(), [JSON])


def behaviours(proxy: Proxy, foreign: str, other: tuple[Path, Path]) -> dict[str, Hostile]:
    """All by name; `foreign` is the origin of a service that nothing may be sent to, `other` another certificate."""

    def another_certificate(exchange: Exchange) -> None:
        proxy.use(other)
        exchange.reply(503, b"", [JSON])

    page = (b"<html><body>Sign in to the proxy</body></html>", ("Content-Type", "text/html"))
    plain = foreign.replace("https://", "http://")
    return {
        "throttled, now": Hostile(error(429, "TooManyRequests", ("Retry-After", "0")), 2, True),
        "throttled, yesterday": Hostile(
            error(429, "TooManyRequests", ("Retry-After", "Thu, 01 Jan 2015 00:00:00 GMT")), 2, True
        ),
        "throttled, nan": Hostile(error(429, "TooManyRequests", ("Retry-After", "nan")), 2, True),
        "throttled, in three years": Hostile(error(429, "TooManyRequests", ("Retry-After", "99999999"))),
        "busy once": Hostile(error(503, "ServerBusy"), 1, True),
        "busy": Hostile(error(503, "ServerBusy")),
        "refused": Hostile(error(403, "AuthorizationFailed")),
        "bad request": Hostile(error(400, "BadRequest")),
        "token expired once": Hostile(error(401, "ExpiredAuthenticationToken"), 1),
        "not signed in": Hostile(error(401, "InvalidAuthenticationToken")),
        "a web page": Hostile(status(200, *page)),
        "a gateway's page": Hostile(status(502, *page)),
        "cut JSON": Hostile(status(200, b'{"value": [{"name":')),
        "deep JSON": Hostile(status(200, b"[" * 50_000 + b"]" * 50_000)),
        "a number": Hostile(status(200, b"7")),
        "nothing": Hostile(status(200)),
        "properties null": Hostile(
            status(200, b'{"id": "/x", "name": "x", "properties": null, "value": null}'), empty=True
        ),
        "a byte a second": Hostile(drip),
        "cut once": Hostile(cut, 1),
        "cut": Hostile(cut),
        "lost once": Hostile(lost, 1),
        "lost": Hostile(lost),
        "foreign operation": Hostile(with_header("Azure-AsyncOperation", f"{foreign}/operation")),
        "foreign location": Hostile(with_header("Location", f"{foreign}/operation")),
        "operation over http": Hostile(with_header("Azure-AsyncOperation", f"{plain}/operation")),
        "foreign redirect": Hostile(status(307, b"", ("Location", f"{foreign}/elsewhere"))),
        "another certificate": Hostile(another_certificate, lasting=True),
        "an echo": Hostile(echo),
    }
