"""Why a sign-in failed, by Microsoft Entra's AADSTS codes and by what each source of the default chain said."""

from __future__ import annotations

import re

from tui.cloud.errors import CloudError, clean

# Code of Microsoft Entra (Microsoft, reference-error-codes) -> what happened, what to do.
_AADSTS = {
    "7000215": (
        "The client secret is wrong",
        "You may have pasted the secret's ID instead of its value: the value is shown only once, when the secret is "
        "made. Make a new secret for the app registration and use its value.",
    ),
    "7000222": (
        "The client secret has expired",
        "Make a new secret for the app registration (Certificates and secrets) and use its value.",
    ),
    "700016": (
        "The application is not known in this tenant",
        "Check the client id (the app registration's Application ID), and that the tenant is the one it lives in.",
    ),
    "90002": (
        "The tenant was not found",
        "Check the tenant id, and that it belongs to this cloud.",
    ),
    "900023": ("The tenant id is not valid", "Use the tenant's GUID or one of its domain names."),
    "50034": ("The user does not exist in this tenant", "Check the account and the tenant id."),
    "50076": ("The account needs multi-factor sign-in", "Sign in with `az login`, or use a service principal."),
    "50079": ("The account needs multi-factor sign-in", "Sign in with `az login`, or use a service principal."),
    "50173": ("The sign-in has expired", "Sign in again: `az login`."),
    "70043": ("The sign-in has expired", "Sign in again: `az login`."),
    "700082": ("The sign-in has expired", "Sign in again: `az login`."),
    "53003": (
        "A conditional access policy blocks this sign-in",
        "Ask the identity administrators, or use a service principal or a managed identity that the policy admits.",
    ),
    "500011": ("The resource is not known in this tenant", "Check the tenant id and the cloud."),
    "50020": (
        "The account is not a member of this tenant",
        "Check the tenant id, or ask to be invited into the tenant as a guest.",
    ),
    "50053": ("The account is locked", "Wait some minutes, or ask the identity administrators."),
    "50055": ("The password has expired", "Change it, then sign in again."),
    "50057": ("The account is disabled", "Ask the identity administrators to enable it."),
    "50105": (
        "The identity is not assigned to the application",
        "Ask the identity administrators to assign it, or to take away that requirement.",
    ),
    "50126": ("The user name or the password is wrong", "Correct it, or use a service principal."),
    "53000": (
        "A conditional access policy asks for a compliant device",
        "This machine is none; use a service principal or a managed identity that the policy admits.",
    ),
    "500021": (
        "The tenant is not admitted from this network",
        "A proxy restricts the tenants that can be signed in to; ask the network administrators to admit it.",
    ),
    "65001": ("Consent is missing", "Ask the identity administrators to consent for the application."),
    "7000218": ("The client secret is missing", "Fill in the client secret, or set the variable it comes from."),
    "700024": (
        "The token of the workload identity is not valid at this time",
        "Check this machine's clock, and that its token file is still renewed.",
    ),
    "7000112": ("The application is disabled", "Ask the identity administrators to enable it."),
    "700027": ("The certificate is not registered for the application", "Upload it to the app registration."),
}


def explain_sign_in(error: BaseException) -> CloudError:
    """A failed sign-in of azure-identity as a CloudError."""
    text = clean(str(error))
    found = re.search(r"AADSTS(\d+)", text)
    if found:
        code = found.group(1)
        title, remedy = _AADSTS.get(code, ("Microsoft Entra refused the sign-in", "Look at the message."))
        ids = re.findall(r"(?:Trace|Correlation) ID:\s*([0-9a-fA-F-]{36})", text)
        return CloudError(
            title=title,
            cause=_entra_message(text),
            remedy=remedy,
            raw=text,
            code=f"AADSTS{code}",
            request_ids=list(dict.fromkeys(ids)),
            status=401,
        )
    sources = _sources(text)
    if sources:
        said = "; ".join(f"{name}: {reason}" for name, reason in sources)
        return CloudError(
            title="No way to sign in was found",
            cause=said,
            remedy="Choose a service principal, run `az login` on this machine, or run where a managed identity is.",
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


def _entra_message(text: str) -> str:
    """The sentence after the AADSTS code, without trace ids and time stamps."""
    message = text[text.index("AADSTS") :]
    message = re.split(r"\s*Trace ID:|\\r\\n|\r|\n|\s*Content:", message)[0]
    return message.strip()


# Sources of the chain that need a desktop; that they are missing in a terminal helps nobody.
_DESKTOP_ONLY = {"SharedTokenCache", "VisualStudioCode", "Broker", "InteractiveBrowser"}


def _sources(text: str) -> list[tuple[str, str]]:
    """What each source of the default chain said, in short: (name, reason)."""
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
    said = re.sub(r"\s*(?:Please )?[Vv]isit https?://\S+.*$", "", said)
    return said.strip().rstrip(".") or "no managed identity answers on this machine"


def _network_trouble(text: str) -> bool:
    lowered = text.lower()
    signs = ("failed to resolve", "name or service", "connection refused", "max retries", "timed out", "unreachable")
    return any(sign in lowered for sign in signs) or "certificate verify failed" in lowered


_REMEDIES = (
    (
        ("multiple user assigned", "specify the client"),
        "This machine has several managed identities: fill in the client id of the one that deploys.",
    ),
    (("az login", "azure cli"), "Install the Azure CLI where it is missing, run `az login`, then try again."),
    (
        ("managedidentity", "managed identity", "imds"),
        "Run on a machine that has a managed identity, or choose a service principal.",
    ),
    (("",), "Check tenant id, client id and secret, or choose another way to sign in."),
)


def _remedy_by_words(text: str) -> str:
    """What to do, by the first words that the text holds."""
    lowered = text.lower()
    return next(remedy for words, remedy in _REMEDIES if any(word in lowered for word in words))
