"""Explains failed sign-ins by Microsoft Entra's AADSTS codes and the messages of the default chain's sources."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlsplit

from tui.cloud.errors import CloudError, clean, unreadable

# Code of Microsoft Entra (Microsoft, reference-error-codes) -> what happened, what to do.
_AADSTS = {
    "7000215": (
        "The client secret is wrong",
        "You may have pasted the secret's ID instead of its value: the value is shown only once, when the secret is "
        "created. Create a new secret for the app registration and use its value.",
    ),
    "7000222": (
        "The client secret has expired",
        "Create a new secret for the app registration (Certificates and secrets) and use its value.",
    ),
    "700016": (
        "The application was not found in this tenant",
        "Check the client id (the app registration's Application ID), and that the tenant is the application's.",
    ),
    "90002": ("The tenant was not found", "Check the tenant id, and that it belongs to this cloud."),
    "900023": ("The tenant id is not valid", "Use the tenant's GUID or one of its domain names."),
    "50034": ("The user does not exist in this tenant", "Check the account and the tenant id."),
    "50076": ("The account needs multi-factor sign-in", "Sign in with `az login`, or use a service principal."),
    "50079": ("The account needs multi-factor sign-in", "Sign in with `az login`, or use a service principal."),
    "50173": ("The sign-in has expired", "Sign in again: `az login`."),
    "70043": ("The sign-in has expired", "Sign in again: `az login`."),
    "700082": ("The sign-in has expired", "Sign in again: `az login`."),
    "53003": (
        "A conditional access policy blocks this sign-in",
        "Ask the identity administrators, or use a service principal or a managed identity that the policy allows.",
    ),
    "500011": ("The resource was not found in this tenant", "Check the tenant id and the cloud."),
    "50020": (
        "The account is not a member of this tenant",
        "Check the tenant id, or ask to be invited into the tenant as a guest.",
    ),
    "50053": ("The account is locked", "Wait a few minutes, or ask the identity administrators."),
    "50055": ("The password has expired", "Change it, then sign in again."),
    "50057": ("The account is disabled", "Ask the identity administrators to enable it."),
    "50105": (
        "The identity is not assigned to the application",
        "Ask the identity administrators to assign it, or to remove that requirement.",
    ),
    "50126": ("The user name or the password is wrong", "Correct it, or use a service principal."),
    "53000": (
        "A conditional access policy requires a compliant device",
        "This machine is not compliant; use a service principal or a managed identity that the policy allows.",
    ),
    "500021": (
        "The tenant is not allowed from this network",
        "A proxy restricts the tenants for sign-in; ask the network administrators to allow this one.",
    ),
    "65001": ("Consent is missing", "Ask the identity administrators to consent for the application."),
    "7000218": ("The client secret is missing", "Enter the client secret, or set the variable that it comes from."),
    "700024": (
        "The token of the workload identity is not valid at this time",
        "Check this machine's clock, and that its token file is being renewed.",
    ),
    "7000112": ("The application is disabled", "Ask the identity administrators to enable it."),
    "700027": ("The certificate is not registered for the application", "Upload it to the app registration."),
}


# Codes of a service that is busy or down for a while; they say nothing about the identity (same source).
_PASSING = frozenset({"90006", "90012", "90024", "90025", "90033", "90055"})


def explain_sign_in(error: BaseException) -> CloudError:
    """Turn a failed sign-in of azure-identity into a CloudError.

    Its status is 401 if the identity was refused, 429 or above if Microsoft Entra itself has a fault, which passes.
    """
    text = clean(str(error))
    found = re.search(r"AADSTS(\d+)", text)
    if found:
        code = found.group(1)
        title, remedy = _AADSTS.get(code, ("Microsoft Entra refused the sign-in", "See the message."))
        if code in _PASSING:
            title, remedy = _UNAVAILABLE
        ids = re.findall(r"(?:Trace|Correlation) ID:\s*([0-9a-fA-F-]{36})", text)
        return CloudError(
            title=title,
            cause=_entra_message(text),
            remedy=remedy,
            raw=text,
            code=f"AADSTS{code}",
            request_ids=list(dict.fromkeys(ids)),
            status=503 if code in _PASSING else 401,
        )
    # Of azure-identity: the sign-in service, or a proxy in front of it, answered without a code of Entra.
    answered = re.search(r"HTTP Error: (429|5\d\d)\b", text)
    if answered:
        title, remedy = _UNAVAILABLE
        cause = f"The sign-in service answered {answered[1]}."
        return CloudError(title, cause, remedy, raw=text, code="SignInFailed", status=int(answered[1]))
    sources = _sources(text)
    if sources:
        said = "; ".join(f"{name}: {reason}" for name, reason in sources)
        return CloudError(
            title="No credential to sign in with was found",
            cause=said,
            remedy="Choose a service principal, run `az login` on this machine, or use a managed identity.",
            raw=text,
            code="NoCredential",
        )
    if _network_trouble(text):
        host = re.search(r"host='([^']+)'", text)
        return CloudError(
            title=f"The login service {host.group(1)} cannot be reached"
            if host
            else "The login service cannot be reached",
            cause=text.splitlines()[0][:400],
            remedy="Allow outbound HTTPS to the login host of this cloud (login.microsoftonline.com in the public "
            "cloud), directly or through the proxy in HTTPS_PROXY.",
            raw=text,
            code="Unreachable",
        )
    return CloudError(
        title="The sign-in failed",
        cause=_short(text.splitlines()[0])[:400] if text else type(error).__name__,
        remedy=_remedy_by_words(text),
        raw=text,
        code="SignInFailed",
    )


def explain_answer(error: Exception, answer: Any) -> CloudError | None:
    """What happened if a sign-in failed at the answer itself: a service that is busy, or another one's answer.

    `answer` is the last answer, azure-core's. None if it may be a refusal, which the error tells.
    """
    text, status, body = str(error), answer.status_code, answer.text().strip()
    if "AADSTS" in text:
        return None
    host = urlsplit(answer.request.url).hostname
    try:
        known = isinstance(json.loads(body), dict)
    except (ValueError, RecursionError):
        known = False
    if status >= 400 and not known and _sources(text):
        return None  # in the default chain, a proxy's page says only that the machine has no managed identity
    if status == 429 or status >= 500:
        title, remedy = _UNAVAILABLE
        return CloudError(title, f"{host} answered {status}.", remedy, raw=text, code="SignInFailed", status=status)
    if status >= 400 and known:
        return None
    kind = "nothing" if not body else "a web page" if body.startswith("<") else "something else"
    return unreadable("signing in", text, f"{host} answered {status} with {kind} instead of a token.")


_UNAVAILABLE = ("Microsoft Entra is unavailable at the moment", "Try again in a few minutes.")


def _entra_message(text: str) -> str:
    """The sentence after the AADSTS code, without trace ids and time stamps."""
    message = text[text.index("AADSTS") :]
    message = re.split(r"\s*Trace ID:|\\r\\n|\r|\n|\s*Content:", message)[0]
    return message.strip()


# Sources of the chain that need a desktop; that they are missing is not worth reporting in a terminal.
_DESKTOP_ONLY = {"SharedTokenCache", "VisualStudioCode", "Broker", "InteractiveBrowser"}


def _sources(text: str) -> list[tuple[str, str]]:
    """The short message of each source of the default chain: (name, reason)."""
    if "Attempted credentials" not in text:
        return []
    found = []
    part = text.split("Attempted credentials:", 1)[1]
    for line in part.splitlines():
        match = re.match(r"\s+(\w+?)Credential: (.+)|\s+(Broker): (.+)", line)
        if match:
            name, said = match.group(1) or match.group(3), match.group(2) or match.group(4)
            if name not in _DESKTOP_ONLY:
                found.append((name, _short(said)))
    return found


def _short(said: str) -> str:
    said = re.sub(r"^\w+Credential authentication unavailable[.,]?\s*", "", said.strip())
    said = re.sub(r"See the troubleshooting guide[^:]*:\s*\S+\s*", "", said)
    said = re.sub(
        r"^(?:JSON is invalid: )?Expecting value: line \d.*", "what answered is not the sign-in service", said
    )
    said = re.sub(r"\s*(?:Please )?[Vv]isit https?://\S+.*$", "", said)
    return said.strip().rstrip(".") or "no managed identity answers on this machine"


def _network_trouble(text: str) -> bool:
    lowered = text.lower()
    signs = ("failed to resolve", "name or service", "connection refused", "max retries", "timed out", "unreachable")
    return any(sign in lowered for sign in signs) or "certificate verify failed" in lowered


_REMEDIES = (
    (
        ("multiple user assigned", "specify the client"),
        "This machine has several managed identities: enter the client id of the one to deploy with.",
    ),
    (("az login", "azure cli"), "Install the Azure CLI if it is missing, run `az login`, then try again."),
    (
        ("managedidentity", "managed identity", "imds"),
        "Run on a machine that has a managed identity, or choose a service principal.",
    ),
    (("",), "Check tenant id, client id and secret, or choose another way to sign in."),
)


def _remedy_by_words(text: str) -> str:
    """The remedy for the first known phrase in the text."""
    lowered = text.lower()
    return next(remedy for words, remedy in _REMEDIES if any(word in lowered for word in words))
