"""Dispatches requests to Resource Manager: finds the handler and reads the body."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Callable, TypeVar

from aiohttp import web

from tui.rehearsal.arm.errors import ArmError, bad_content, not_authorized
from tui.rehearsal.arm.resource_paths import PROVIDER
from tui.rehearsal.arm.rights import action_of
from tui.rehearsal.entra.tokens import TokenRefused
from tui.rehearsal.service import Service, content_up_to

# The largest body that Resource Manager accepts.
MAX_BODY = 4 * 1024 * 1024
_Value = TypeVar("_Value")
_Default = TypeVar("_Default")


class Fields:
    """Reads members of a JSON object; a member of the wrong type raises a 400 that names it."""

    def __init__(self, content: Mapping[str, Any], path: str = "") -> None:
        self._content = content
        self._path = path

    def _fail(self, name: str, expected: str) -> ArmError:
        return bad_content(f"{self._path}{name} must be {expected}")

    def _typed(self, name: str, kind: type[_Value], expected: str, default: _Default) -> _Value | _Default:
        value = self._content.get(name)
        if value is None:
            return default
        # In Python, booleans are integers.
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self._fail(name, expected)
        return value

    def __contains__(self, name: str) -> bool:
        return name in self._content

    def raw(self, name: str) -> Any:
        """The member unchanged, or None."""
        return self._content.get(name)

    def object(self, name: str) -> Fields:
        """A member that is an object; empty if absent or null."""
        return Fields(self._typed(name, dict, "an object", {}), f"{self._path}{name}.")

    def text(self, name: str, default: str | None = None) -> str | None:
        """A member that is a string."""
        return self._typed(name, str, "a string", default)

    def boolean(self, name: str, default: bool = False) -> bool:
        """A member that is true or false."""
        return self._typed(name, bool, "true or false", default)

    def integer(self, name: str, default: int) -> int:
        """A member that is a whole number."""
        return self._typed(name, int, "a whole number", default)

    def texts(self, name: str) -> dict[str, str]:
        """A member whose members are all strings, such as tags; numbers and booleans are converted."""
        result: dict[str, str] = {}
        for key, item in self._typed(name, dict, "an object", {}).items():
            if isinstance(item, bool):
                item = "true" if item else "false"
            elif isinstance(item, (int, float)):
                item = str(item)
            if item is not None and not isinstance(item, str):
                raise self._fail(f"{name}.{key}", "a string")
            if item is not None:
                result[key] = item
        return result

    def percentages(self, name: str) -> dict[str, int]:
        """A member such as traffic: integers by name."""
        shares = self._typed(name, dict, "an object", {})
        for key, item in shares.items():
            if not isinstance(item, int) or isinstance(item, bool):
                raise self._fail(f"{name}.{key}", "a whole number")
        return dict(shares)


@dataclass
class Call:
    """One request to Resource Manager: target, body, caller."""

    service: Service
    request: web.Request
    parameters: dict[str, str]
    body: Fields
    claims: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        return self.parameters[name]

    @property
    def query(self) -> Mapping[str, str]:
        """The query parameters by name in lower case; the first value of each."""
        return {name.lower(): value for name, value in reversed(list(self.request.query.items()))}

    @property
    def api_version(self) -> str:
        """The API version of the request; any is accepted."""
        return self.query.get("api-version", "2024-04-01")

    @property
    def url(self) -> str:
        """The absolute URL of the resource, with the client's version."""
        return f"{self.service.origin}{self.request.path}?api-version={self.api_version}"

    @property
    def caller(self) -> str:
        """The object id of the caller."""
        return str(self.claims.get("oid", ""))


Handler = Callable[[Call], Awaitable[web.StreamResponse]]
# Method, path with `{names}`, handler.
Route = tuple[str, str, Handler]


def _fits(segment: str, part: str) -> bool:
    """Whether a part of a path matches a route's segment, or is a value for its `{name}`."""
    return bool(part) if segment.startswith("{") else segment == part.lower()


class Routes:
    """Paths with `{names}` and their handlers. Azure's paths are case-insensitive."""

    def __init__(self, table: Iterable[Route]) -> None:
        """If routes differ only in the case of fixed segments, the first one's path is kept."""
        self._routes: dict[tuple[str, ...], tuple[str, dict[str, Handler]]] = {}
        for method, path, handler in table:
            segments = tuple(part if part.startswith("{") else part.lower() for part in path.strip("/").split("/"))
            self._routes.setdefault(segments, (path, {}))[1][method] = handler

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Method and path of every operation, the path as it was added."""
        for path, handlers in self._routes.values():
            for method in handlers:
                yield method, path

    def find(self, method: str, path: str) -> tuple[Handler, str, dict[str, str]]:
        """The handler, the path as it was added, and the values of its names. Raises ArmError, 404 or 405."""
        parts = path.strip("/").split("/")
        allowed: set[str] = set()
        for segments, (added, handlers) in self._routes.items():
            if len(segments) == len(parts) and all(map(_fits, segments, parts)):
                if method in handlers:
                    names = {name[1:-1]: part for name, part in zip(segments, parts) if name.startswith("{")}
                    return handlers[method], added, names
                allowed.update(handlers)
        if allowed:
            raise ArmError(
                405,
                "MethodNotAllowed",
                f"The HTTP method '{method}' is not supported at scope '{path}'.",
                headers={"Allow": ", ".join(sorted(allowed))},
            )
        raise ArmError(
            404,
            "InvalidResourceType",
            f"The rehearsal has no operation {method} at '{path}'. Azure may have one; the rehearsal's operations are "
            "listed in its table of operations.",
        )


TABLE: web.AppKey[Routes] = web.AppKey("routes", Routes)

# Allowed for every signed-in identity; the responses contain only what the caller may see.
_ALWAYS = (
    "/subscriptions", "/tenants", f"/providers/{PROVIDER}/operations", "/providers/Microsoft.ResourceGraph/resources",
)  # fmt: skip


def require_right(service: Service, request: web.Request, claims: Mapping[str, Any], path: str) -> None:
    """Refuse a request that the caller's roles do not allow; `path` as in the route. Raises ArmError 403.

    Every signed-in identity may poll operations, since roles on a workspace do not apply to the region's paths.
    """
    if path in _ALWAYS or "/mfeOperations" in path:
        return
    rights = service.rights.of(claims)
    action = action_of(request.method, path)
    allowed = bool(rights.roles) if action == "Microsoft.Authorization/permissions/read" else rights.allow(action)
    if allowed:
        return
    scope = request.path.rsplit("/", 1)[0] if request.method == "POST" else request.path
    raise not_authorized(claims, action, scope)


def bearer_claims(service: Service, request: web.Request, audiences: Sequence[str]) -> dict[str, Any]:
    """The claims of a token for one of these audiences. Raises ArmError 401 with Resource Manager's message."""
    challenge = {
        "WWW-Authenticate": f'Bearer authorization_uri="{service.origin}/common", error="invalid_token", '
        'error_description="The access token is missing or not valid."'
    }
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise ArmError(
            401,
            "AuthenticationFailed",
            "Authentication failed. The 'Authorization' header is missing or not a bearer token.",
            headers=challenge,
        )
    try:
        claims = service.signer.verify(token.strip())
    except TokenRefused as refused:
        code = "ExpiredAuthenticationToken" if refused.expired else "InvalidAuthenticationToken"
        raise ArmError(401, code, str(refused), headers=challenge) from refused
    audience = str(claims.get("aud", "")).rstrip("/")
    if audience not in audiences:
        raise ArmError(
            401,
            "InvalidAuthenticationTokenAudience",
            "The access token has been obtained for wrong audience or resource "
            f"'{audience}'. It should exactly match with one of the allowed audiences '{audiences[0]}/'.",
            headers=challenge,
        )
    return claims


async def read_body(request: web.Request) -> Fields:
    """The request's JSON object; empty without a body. Raises ArmError 400 or 413."""
    content = await content_up_to(MAX_BODY, request)
    if content is None:
        raise ArmError(413, "RequestContentTooLarge", f"The request content exceeds {MAX_BODY} bytes.")
    if not content.strip():
        return Fields({})
    try:
        parsed = json.loads(content)
        # Lone surrogates are legal in JSON and cannot be stored or sent as UTF-8.
        json.dumps(parsed, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise bad_content(str(error) or "the document is nested too deeply") from error
    if not isinstance(parsed, dict):
        raise bad_content("the document must be an object")
    return Fields(parsed)


def count(call: Call, default: int, name: str = "count") -> int:
    """The requested page size: 1 to 999, else the default."""
    text = call.query.get(name, "")
    return int(text) if text.isdecimal() and 0 < len(text) < 4 and int(text) else default


def page(
    call: Call,
    items: Sequence[Any],
    size: int | None = None,
    shown: Callable[[Any], dict[str, Any]] = lambda item: item,
) -> web.Response:
    """A list response in pages of `size`, linked by `nextLink`, which the last page does not have.

    `shown` makes what clients see of an item; it is called for the items of the page only.
    """
    skip = call.query.get("$skip") or call.query.get("$skiptoken") or ""
    start = int(skip) if skip.isdecimal() and len(skip) < 10 else 0
    last = len(items) if size is None else start + size
    answer: dict[str, Any] = {"value": [shown(item) for item in items[start:last]]}
    if last < len(items):
        query = {name: value for name, value in call.request.query.items() if name.lower() != "$skip"}
        answer["nextLink"] = str(call.request.url.with_query({**query, "$skip": str(last)}).with_scheme("https"))
    return web.json_response(answer)
