"""Builds the environment variables that point any Azure client to the rehearsal.

The required variables were determined by removing each in turn from a run of `azure-ai-ml` 1.35 with
`MLClient(DefaultAzureCredential(), subscription, group, workspace)`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from tui.common.write_atomic import write_atomic
from tui.rehearsal.places import Home
from tui.rehearsal.seed import CLIENT_ID, SUBSCRIPTION_ID, TENANT_ID, Seed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

RESOURCE_GROUP = "rehearsal"
MANAGED_WORKSPACE = "closed-managed-network"
LEGACY_WORKSPACE = "closed-legacy-isolation"
OPEN_WORKSPACE = "open-public-network"
WORKSPACES = {"managed": MANAGED_WORKSPACE, "legacy": LEGACY_WORKSPACE, "public": OPEN_WORKSPACE}
"""The built-in workspaces, by their isolation."""

# Where clients look for authorities: requests, curl, OpenSSL (urllib and the Azure CLI's sign-in), Node.
TRUST = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")

UNSET = (
    # Other identities that a credential chain would find first.
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_TENANT_ID",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "AZURE_USERNAME",
    "AZURE_PASSWORD",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_AUTHORITY_HOST",
    # With these and IDENTITY_ENDPOINT, azure-identity assumes Service Fabric, Arc or a VM.
    "IDENTITY_SERVER_THUMBPRINT",
    "IMDS_ENDPOINT",
    "MSI_ENDPOINT",
    "MSI_SECRET",
    # MLClient writes the cloud's name here; an old value would take precedence over ARM_CLOUD_METADATA_URL.
    "AZUREML_CURRENT_CLOUD",
)


def certificate_bundle(home: Home, environ: Mapping[str, str]) -> Path:
    """A PEM file with the user's trusted certificates, certifi's roots and the rehearsal's own authority.

    Most of the variables in `TRUST` replace a client's trust store, so the bundle must hold all of them: what
    the first one that is set names comes first. Raises OSError.
    """
    given = next((environ[name] for name in TRUST if environ.get(name)), None)
    if given and Path(given).parent == home.certificates and Path(given).is_file():
        # The caller already uses the rehearsal, and so this bundle.
        return Path(given)
    users = Path(given) if given and Path(given).is_file() else None
    authority = home.authority_file.stat()
    stamp = [f"{authority.st_mtime_ns}:{authority.st_size}"]
    if users is not None:
        status = users.stat()
        stamp.append(f"{users}:{status.st_mtime_ns}:{status.st_size}")
    name = hashlib.sha256("\n".join(stamp).encode()).hexdigest()[:16]
    bundle = home.certificates / f"bundle-{name}.pem"
    if bundle.is_file():
        return bundle

    import certifi

    parts = [Path(certifi.where()), home.authority_file]
    if users is not None:
        parts.insert(0, users)
    text = "\n".join(part.read_text(encoding="utf-8", errors="replace").strip() for part in parts) + "\n"
    write_atomic(bundle, text, mode=0o600)
    return bundle


def _without_proxy(environ: Mapping[str, str]) -> str:
    names = [name.strip() for name in (environ.get("NO_PROXY") or environ.get("no_proxy") or "").split(",")]
    names = [name for name in names if name]
    names += [name for name in ("127.0.0.1", "localhost") if name not in names]
    return ",".join(names)


def describe(home: Home, server: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """The output of `env --json`: variables to set and to unset, and the rehearsal's address.

    `server` is the content of the server file. Raises OSError.
    """
    seed = Seed.load(home.secrets_file)
    origin = f"https://127.0.0.1:{server['port']}"
    without_proxy = _without_proxy(environ)
    variables = {
        "ARM_CLOUD_METADATA_URL": f"{origin}/metadata/endpoints?api-version=2019-05-01&portal={seed.portal_word}",
        **dict.fromkeys(TRUST, str(certificate_bundle(home, environ))),
        "IDENTITY_ENDPOINT": f"{origin}/msi/token",
        "IDENTITY_HEADER": seed.identity_header,
        "AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential",
        "NO_PROXY": without_proxy,
        "no_proxy": without_proxy,
        "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION_ID,
        "AZURE_RESOURCE_GROUP": RESOURCE_GROUP,
        "AZURE_ML_WORKSPACE": MANAGED_WORKSPACE,
        "REHEARSAL_TENANT_ID": TENANT_ID,
        "REHEARSAL_CLIENT_ID": CLIENT_ID,
        "REHEARSAL_CLIENT_SECRET": seed.client_secret,
    }

    def workspace(name: str) -> dict[str, str]:
        return {"subscription_id": SUBSCRIPTION_ID, "resource_group": RESOURCE_GROUP, "name": name}

    return {
        "set": variables,
        "unset": list(UNSET),
        "workspaces": {isolation: workspace(name) for isolation, name in WORKSPACES.items()},
        "log": str(home.log_file),
        "pid": server["pid"],
        "url": origin,
    }
