"""From an exception to cause and remedy, by what it carries: status, error code, words."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from tui.cloud.errors import CloudError, clean, request_ids, service_error


def explain(error: BaseException, doing: str) -> CloudError:
    """See `tui.cloud.errors.explain`; `doing` completes "while …"."""
    text = clean(str(error)) or type(error).__name__
    response = getattr(error, "response", None)
    status = _status(error, response)
    if status is not None and status >= 400:
        return from_status(status, _body(response) or text, getattr(response, "headers", None), doing)
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if kinds & {"ClientAuthenticationError", "CredentialUnavailableError"}:
        from tui.cloud.signin_errors import explain_sign_in

        return explain_sign_in(error)
    network = _network(kinds, text)
    if network:
        return _unreachable(network, text, doing)
    return CloudError(
        title=_while("Azure's client reported an error", doing),
        cause=text.splitlines()[0] if text else type(error).__name__,
        remedy="Look at the raw text; if it names a field, correct the field and try again.",
        raw=text,
        code=_code(error),
        status=status,
        request_ids=request_ids(getattr(response, "headers", None)),
    )


def from_status(status: int, body: Any, headers: Any, doing: str = "") -> CloudError:
    """An HTTP answer of 400 or more as a CloudError."""
    code, message, _ = service_error(body)
    code = (headers.get("x-ms-error-code") if headers is not None else None) or code
    title, remedy = _by_code(code or "", message, status)
    return CloudError(
        title=_while(title, doing),
        cause=message or f"The service answered {status} without a reason.",
        remedy=remedy,
        raw=body if isinstance(body, str) else message,
        code=code,
        request_ids=request_ids(headers),
        status=status,
    )


def _by_code(code: str, message: str, status: int) -> tuple[str, str]:
    lowered = f"{code} {message}".lower()
    if "authorizationpermissionmismatch" in lowered:
        return (
            "The identity may not write to the workspace's storage",
            "Grant the identity Storage Blob Data Contributor on the storage account; it takes a few minutes to apply.",
        )
    if "authorizationfailure" in lowered or "publicaccessnotpermitted" in lowered:
        return (
            "The workspace's storage refuses this machine",
            "The account's firewall admits only its private endpoint or chosen networks: run this from inside the "
            "virtual network, and check that the account's name resolves to a private address here.",
        )
    if "keybasedauthenticationnotpermitted" in lowered:
        return (
            "The workspace's storage takes no keys",
            "Let the workspace use identities for its storage (az ml workspace update --system-datastores-auth-mode "
            "identity), and grant this identity Storage Blob Data Contributor on the storage account.",
        )
    if "private link" in lowered and status == 403:
        return (
            "The workspace refuses calls from outside its private link",
            "The call reached the workspace over a public address. Run this from inside the virtual network, and check "
            "that the workspace's names resolve to private addresses here (private endpoint, DNS zone, peering).",
        )
    if status == 403 or code in {"AuthorizationFailed", "Forbidden"}:
        return (
            "The identity has no permission for this",
            "Ask for the role AzureML Data Scientist on the workspace; the message names the missing action and scope. "
            "A new role assignment takes a few minutes to apply.",
        )
    if status == 401:
        return "Azure did not accept the sign-in", "Sign in again; check that tenant and subscription belong together."
    if code in {"SubscriptionNotFound", "InvalidSubscriptionId"}:
        return (
            "The subscription was not found",
            "Check the subscription's id, and that the identity's tenant is the subscription's.",
        )
    if code == "ResourceGroupNotFound":
        return "The resource group was not found", "Check its name and the subscription."
    if status == 404:
        return "The resource was not found", "Check the names of subscription, resource group and workspace."
    if "quota" in lowered:
        return (
            "There is not enough quota",
            "Choose a smaller size or fewer instances, delete deployments that are no longer used, or ask for more "
            "quota. A deployment needs 20 % more instances than it runs, rounded up.",
        )
    if "already an endpoint with" in lowered:
        return (
            "The endpoint's name is taken in this region",
            "Choose another name: it is unique within an Azure region, also among other people's endpoints.",
        )
    if status == 409:
        return "Another operation holds the resource", "Wait until it has ended (up to a minute), then try again."
    if status == 429:
        return "Azure asks to slow down", "Try again in a minute."
    if status >= 500:
        return "Azure answered with an internal error", "Try again in a few minutes; quote the request id to support."
    if status == 400:
        return "Azure refused the request", "Correct what the message names."
    return f"Azure answered {status}", "Look at the raw text."


def _network(kinds: set[str], text: str) -> str | None:
    lowered = text.lower()
    if kinds & {"SSLError"} or "certificate verify failed" in lowered or "certificate_verify_failed" in lowered:
        return "tls"
    if any(sign in lowered for sign in ("name or service not known", "nodename nor servname", "getaddrinfo")) or (
        "failed to resolve" in lowered or "name resolution" in lowered
    ):
        return "dns"
    if kinds & {"ProxyError"}:
        return "proxy"
    if "timed out" in lowered or "timeout" in lowered:
        return "timeout"
    if kinds & {"ServiceRequestError", "ServiceResponseError", "ConnectionError", "RequestException", "OSError"}:
        return "connection" if not kinds & {"FileNotFoundError", "PermissionError", "IsADirectoryError"} else None
    return None


def _unreachable(kind: str, text: str, doing: str) -> CloudError:
    host = _host(text)
    name = host or "the service"
    causes = {
        "tls": (
            f"The certificate of {name} is not trusted here",
            "A proxy that inspects TLS, or a cloud with its own authority, needs its certificate: set "
            "REQUESTS_CA_BUNDLE to a file that holds it together with the usual ones.",
        ),
        "dns": (
            f"The name {name} cannot be resolved",
            "Check DNS from this machine (getent hosts), and that the private DNS zone is linked to its network.",
        ),
        "proxy": (f"The proxy did not let the call to {name} pass", "Check HTTPS_PROXY and NO_PROXY."),
        "timeout": (
            f"{name} did not answer in time",
            "A firewall that drops packets looks like this: check the outbound rules of this machine's network.",
        ),
        "connection": (
            f"The connection to {name} failed",
            "Check that this machine may reach it: outbound rules, proxy, private endpoint.",
        ),
    }
    title, remedy = causes[kind]
    return CloudError(title=_while(title, doing), cause=_innermost(text), remedy=remedy, raw=text, code="Unreachable")


def _host(text: str) -> str | None:
    found = re.search(r"host='([^']+)'", text) or re.search(r"host='?\"?([A-Za-z0-9.-]+\.[A-Za-z]+)", text)
    if found:
        return found.group(1)
    url = re.search(r"https?://[^\s'\"]+", text)
    return urlsplit(url.group(0)).hostname if url else None


def _innermost(text: str) -> str:
    """The last bracketed reason of urllib3's nested texts, which is what really happened."""
    unresolved = re.search(r"Failed to resolve '[^']+' \((?:\[Errno -?\d+\] )?[^()]+\)", text)
    if unresolved:
        return re.sub(r"\[Errno -?\d+\] ", "", unresolved.group(0))
    found = re.findall(r"(?:Error|Errno)[^:(]*[:(]+\s*['\"]?([^'\"()]{8,160})", text)
    return found[-1].strip() if found else text.splitlines()[0][:300]


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
    except Exception:  # a response whose body was streamed away has no text any more
        return None


def _code(error: BaseException) -> str | None:
    inner = getattr(error, "error", None)
    code = getattr(inner, "code", None) or getattr(error, "error_code", None)
    return str(code) if code else None


def _while(title: str, doing: str) -> str:
    return f"{title}, while {doing}" if doing else title
