"""Explains exceptions with a cause and a remedy, by status, error code and message."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tui.cloud.auth.roles import refused
from tui.cloud.auth.sign_in_errors import explain_sign_in
from tui.cloud.errors import CloudError, clean, request_ids, service_error

# How azure-ai-ml 1.35 formats the results of its own checks, between a heading and advice on editors.
_DETAIL = re.compile(r"^\(x\) (.+?)(?=\n\n|\n\(x\)|\Z)", re.MULTILINE | re.DOTALL)
_PAGE = re.compile(r"\s*(<!doctype html|<html\b|<head\b|<body\b)", re.IGNORECASE)


def explain(error: BaseException, doing: str = "") -> CloudError:
    """Turn any exception of the Azure libraries, of requests or of the operating system into a CloudError.

    `doing` completes "while …".
    """
    if isinstance(error, CloudError):
        return error
    text = clean(str(error)) or type(error).__name__
    response = getattr(error, "response", None)
    status = _status(error, response)
    if status is not None and status >= 400:
        return from_status(status, _body(response) or text, getattr(response, "headers", None), doing)
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if kinds & {"ClientAuthenticationError", "CredentialUnavailableError"}:
        return explain_sign_in(error)
    said = _DETAIL.findall(text)
    if "MlException" in kinds and said:
        return CloudError(
            title=_while("Azure's SDK refused the input", doing),
            cause=" ".join(" ".join(one.split()) for one in said),
            remedy="Correct the fields that it names.",
            raw=text,
            code="RefusedBySdk",
        )
    disturbance = _disturbance(kinds, text)
    if disturbance:
        title = disturbance.title.format(_host(text) or "the service")
        return CloudError(_while(title, doing), _reason(text), disturbance.remedy, raw=text, code="Unreachable")
    return CloudError(
        title=_while("Azure's client reported an error", doing),
        cause=text.splitlines()[0] if text else type(error).__name__,
        remedy="Read the raw text; if it names a field, correct the field and try again.",
        raw=text,
        code=_code(error),
        status=status,
        request_ids=request_ids(getattr(response, "headers", None)),
    )


def from_status(status: int, body: Any, headers: Any, doing: str = "") -> CloudError:
    """Turn an HTTP response with status 400 or more into a CloudError."""
    page = isinstance(body, str) and _PAGE.match(body) is not None
    code, message, _ = service_error("" if page else body)
    code = (headers.get("x-ms-error-code") if headers is not None else None) or code
    title, remedy = _by_code(code or "", message, status)
    if page:
        # Proxies and gateways answer in HTML, which is not readable here and is kept as raw text only.
        message = f"A proxy or gateway in front of the service answered {status} with a web page."
    return CloudError(
        title=_while(title, doing),
        cause=message or f"The service answered {status} without giving a reason.",
        remedy=remedy,
        raw=body if isinstance(body, str) else message,
        code=code,
        request_ids=request_ids(headers),
        status=status,
    )


class _Refusal(NamedTuple):
    """A kind of refusal. It applies if the text contains one of the `words` (if there are any) and the status or code
    is one of those listed (if there are any)."""

    title: str
    remedy: str
    words: tuple[str, ...] = ()
    statuses: Collection[int] = ()
    codes: tuple[str, ...] = ()

    def meant(self, code: str, lowered: str, status: int) -> bool:
        """Whether a response is of this kind; `lowered` is its code and message in lower case."""
        if self.words and not any(word in lowered for word in self.words):
            return False
        return not (self.statuses or self.codes) or status in self.statuses or code in self.codes


_NO_PERMISSION = "The identity has no permission for this"
_REFUSALS = (  # the first that applies is used
    _Refusal(
        "The identity may not write to the workspace's storage",
        "Grant the identity Storage Blob Data Contributor on the storage account; it takes a few minutes to apply.",
        ("authorizationpermissionmismatch",),
    ),
    _Refusal(
        "The workspace's storage refuses this machine",
        "The account's firewall admits only its private endpoint or chosen networks: run this from inside the "
        "virtual network, and check that the account's name resolves to a private address here.",
        ("authorizationfailure", "publicaccessnotpermitted"),
    ),
    _Refusal(
        "The workspace's storage does not accept keys",
        "Make the workspace use identities for its storage (`system_datastores_auth_mode: identity`), and grant this "
        "identity Storage Blob Data Contributor on the storage account.",
        ("keybasedauthenticationnotpermitted",),
    ),
    _Refusal(
        "The workspace refuses calls from outside its private link",
        "The call reached the workspace over a public address. Run this from inside the virtual network, and check "
        "that the workspace's names resolve to private addresses here (private endpoint, DNS zone, peering).",
        ("private link",),
        (403,),
    ),
    _Refusal(
        _NO_PERMISSION,
        "Ask for the role AzureML Data Scientist on the workspace; the message names the missing action and scope. "
        "A new role assignment takes a few minutes to apply.",
        statuses=(403,),
        codes=("AuthorizationFailed", "Forbidden"),
    ),
    _Refusal(
        "Azure did not accept the sign-in",
        "Sign in again; check that tenant and subscription belong together.",
        statuses=(401,),
    ),
    _Refusal(
        "The subscription was not found",
        "Check the subscription's id, and that the identity's tenant is the subscription's.",
        codes=("SubscriptionNotFound", "InvalidSubscriptionId"),
    ),
    _Refusal(
        "The resource group was not found", "Check its name and the subscription.", codes=("ResourceGroupNotFound",)
    ),
    _Refusal(
        "The resource was not found", "Check the names of subscription, resource group and workspace.", statuses=(404,)
    ),
    _Refusal(
        "There is not enough quota",
        "Choose a smaller size or fewer instances, delete deployments that are no longer used, or ask for more "
        "quota. A deployment needs 20 % more instances than it runs, rounded up.",
        ("quota",),
    ),
    _Refusal(
        "The endpoint's name is taken in this region",
        "Choose another name: it must be unique within an Azure region, among all customers' endpoints.",
        ("already an endpoint with",),
    ),
    _Refusal(
        "Another operation on the resource is in progress",
        "Wait until it has ended (up to a minute), then try again.",
        statuses=(409,),
    ),
    _Refusal("Azure asks to slow down", "Try again in a minute.", statuses=(429,)),
    _Refusal(
        "Azure answered with an internal error",
        "Try again in a few minutes; if it happens again, give the request id to support.",
        statuses=range(500, 1000),
    ),
    _Refusal("Azure refused the request", "Correct the fields that the message names.", statuses=(400,)),
)


def _by_code(code: str, message: str, status: int) -> tuple[str, str]:
    """Title and remedy of a refusal."""
    lowered = f"{code} {message}".lower()
    for kind in _REFUSALS:
        if kind.meant(code, lowered, status):
            named = _role_to_ask_for(message) if kind.title == _NO_PERMISSION and status == 403 else ""
            return kind.title, named or kind.remedy
    return f"Azure answered {status}", "Read the raw text."


def _role_to_ask_for(message: str) -> str:
    """The role and scope that would allow the refused action, as a sentence and a command; empty if not named."""
    role = refused(message)
    return f"{role.sentence}\n{role.command}" if role else ""


class _Disturbance(NamedTuple):
    """A cause for a missing response, recognised by exception names or texts; `title` contains the host."""

    title: str
    remedy: str
    kinds: frozenset[str] = frozenset()
    signs: tuple[str, ...] = ()


NOT_IN_TIME = "did not answer in time"
_DISTURBANCES = (  # the first match is used
    _Disturbance(
        "The certificate of {} is not trusted here",
        "A proxy that inspects TLS, or a cloud with its own certification authority, needs its certificate: set "
        "REQUESTS_CA_BUNDLE to a file that contains it together with the usual ones.",
        signs=("certificate verify failed", "certificate_verify_failed"),
    ),
    _Disturbance(
        "No TLS connection to {} could be made",
        "A device on the network path closes or changes the connection: check the firewall's rules and "
        "HTTPS_PROXY, and that the name resolves to the service itself (getent hosts).",
        frozenset({"SSLError"}),
        ("[ssl:", "ssleoferror", "sslzeroreturn", "tls/ssl connection"),
    ),
    _Disturbance(
        "The name {} cannot be resolved",
        "Check DNS from this machine (getent hosts), and that the private DNS zone is linked to its network.",
        signs=(
            "name or service not known", "nodename nor servname", "getaddrinfo", "failed to resolve", "name resolution",
        ),
    ),
    _Disturbance(
        "The proxy blocked the call to {}",
        "Check HTTPS_PROXY and NO_PROXY.",
        frozenset({"ProxyError"}),
    ),
    _Disturbance(
        f"{{}} {NOT_IN_TIME}",
        "A firewall that drops packets is a likely cause: check the outbound rules of this machine's network.",
        signs=("timed out", "timeout"),
    ),
    _Disturbance(
        "The connection to {} failed",
        "Check that this machine can reach it: outbound rules, proxy, private endpoint.",
        frozenset(
            {
                "IncompleteReadError", "ServiceRequestError", "ServiceResponseError", "ConnectionError",
                "RequestException", "OSError",
            }
        ),
    ),
)  # fmt: skip
_OF_FILES = {"FileNotFoundError", "PermissionError", "IsADirectoryError"}


def _disturbance(kinds: set[str], text: str) -> _Disturbance | None:
    """The cause of a missing response; None for other errors, such as an OSError for a local file."""
    lowered = text.lower()
    for one in _DISTURBANCES:
        if kinds & one.kinds or any(sign in lowered for sign in one.signs):
            return None if one is _DISTURBANCES[-1] and kinds & _OF_FILES else one
    return None


def _host(text: str) -> str | None:
    found = re.search(r"host='([^']+)'", text) or re.search(r"host='?\"?([A-Za-z0-9.-]+\.[A-Za-z]+)", text)
    if found:
        return found.group(1)
    url = re.search(r"https?://[^\s'\"]+", text)
    return urlsplit(url.group(0)).hostname if url else None


# Messages of Python's libraries about broken connections, and their explanation; the first match is used.
_REASONS = tuple(
    (re.compile(pattern, re.IGNORECASE), words)
    for pattern, words in (
        (r"failed to resolve '([^']+)' \((?:\[errno -?\d+\] )?([^()]+)\)", "Failed to resolve '{0}' ({1})."),
        (r"certificate verify failed:? ?((?:hostname mismatch|ip address mismatch)[^(]{0,200})", "{0}."),
        (r"certificate verify failed: ([^('\"]{3,160})", "Its certificate was not accepted: {0}."),
        (r"wrong[ _]version[ _]number|http_request", "The server does not use TLS."),
        (r"ssleoferror|sslzeroreturn|eof occurred in violation|unexpected_eof|connection has been closed \(eof\)",
         "The other side ended the connection during the TLS handshake."),
        (r"\[ssl: \w+\] ([^(\[]{3,160})", "The TLS handshake failed: {0}."),
        (r"tunnel connection failed: (\d{3}[^'\")]{0,80})", "The proxy answered {0}."),
        (r"(?:cannot|unable to) connect to proxy", "The proxy itself could not be reached."),
        (r"connection refused|errno 111", "Nothing accepts connections there: the connection was refused."),
        (r"connection reset|connectionreseterror|errno 104", "The other side reset the connection."),
        (r"broken pipe|brokenpipeerror", "The other side closed the connection during a transfer."),
        (r"remotedisconnected|without response", "The other side closed the connection without a response."),
        (r"incompleteread|connection broken|incomplete download", "The connection broke during the response."),
        (r"badstatusline|linetoolong|invalidchunklength", "The server does not use HTTP."),
        (r"network is unreachable|no route to host", "This machine has no route to it."),
        (r"read timeout=([\d.]+)", "No answer within {0} seconds."),
        (r"connect timeout=([\d.]+)", "No connection within {0} seconds."),
        (r"timed out", "No answer within the time limit."),
    )
)  # fmt: skip


def _reason(text: str) -> str:
    """The root cause from the nested messages of urllib3, requests and azure-core."""
    for pattern, words in _REASONS:
        found = pattern.search(text)
        if found:
            return words.format(*(part.strip().rstrip(".,") for part in found.groups()))
    return text.splitlines()[0][:300] if text else "No details are known."


def _status(error: BaseException, response: Any) -> int | None:
    for holder in (error, response):
        value = getattr(holder, "status_code", None)
        if isinstance(value, int):
            return value
    return None


def _body(response: Any) -> str | None:
    if response is None:
        return None
    try:
        text = response.text
        return clean(text() if callable(text) else text)
    except Exception:  # a response whose body was streamed has no text
        return None


def _code(error: BaseException) -> str | None:
    inner = getattr(error, "error", None)
    code = getattr(inner, "code", None) or getattr(error, "error_code", None)
    return str(code) if code else None


def _while(title: str, doing: str) -> str:
    return f"{title}, while {doing}" if doing else title
