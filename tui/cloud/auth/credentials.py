"""Builds azure-identity credentials from a plan's `credential`, and lists the sources that the default chain finds."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Callable

from tui.cloud.clouds import CloudMetadata
from tui.cloud.errors import CloudError
from tui.plan.model import Credential

_IMDS = ("169.254.169.254", 80)


def build(credential: Credential, cloud: CloudMetadata, transport: Any = None) -> Any:
    """A token credential for `credential.method`; this does not sign in yet.

    Methods: default, service_principal, managed_identity, azure_cli. For a cloud that is not built in, its own
    authority is used, without instance discovery, which calls login.microsoftonline.com. `transport` is azure-core's;
    the Azure CLI sends its own requests and does not use it. Raises CloudError.
    """
    import azure.identity as identity

    sending = {"transport": transport} if transport is not None else {}
    options: dict[str, Any] = {"authority": cloud.login, **sending}
    if not cloud.built_in:
        options["disable_instance_discovery"] = True
    method = credential.method
    try:
        if method == "service_principal":
            if not (credential.tenant_id and credential.client_id and credential.client_secret):
                raise _incomplete(credential)
            return identity.ClientSecretCredential(
                tenant_id=credential.tenant_id,
                client_id=credential.client_id,
                client_secret=credential.client_secret,
                **options,
            )
        if method == "managed_identity":
            return identity.ManagedIdentityCredential(client_id=credential.client_id, **sending)
        if method == "azure_cli":
            return identity.AzureCliCredential(tenant_id=credential.tenant_id or "", process_timeout=30)
        if credential.client_id:
            options["managed_identity_client_id"] = credential.client_id
        return identity.DefaultAzureCredential(process_timeout=30, **options)
    except (ValueError, TypeError) as error:
        raise CloudError(
            title="The credential cannot be used",
            cause=str(error),
            remedy="Correct the credential's fields.",
            code="CredentialInvalid",
        ) from None


def _incomplete(credential: Credential) -> CloudError:
    missing = [name for name in ("tenant_id", "client_id", "client_secret") if not getattr(credential, name)]
    return CloudError(
        title="The service principal is incomplete",
        cause=f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} empty.",
        remedy="Fill in the fields, or set the variables that the plan refers to.",
        code="CredentialInvalid",
    )


@dataclass(frozen=True)
class Source:
    """One source of the default chain, and whether it has something to sign in with on this machine."""

    source: str
    found: bool
    reason: str


def credential_sources(environ: Mapping[str, str] | None = None) -> list[Source]:
    """The sources that the default chain would try on this machine, in its order, without signing in."""
    env = os.environ if environ is None else environ
    found = [Source(name, *look(env)) for name, look in _CHAIN]
    only = env.get("AZURE_TOKEN_CREDENTIALS", "").strip().lower()
    if not only:
        return found
    return [_restricted(source, only) for source in found]


def _restricted(source: Source, only: str) -> Source:
    production = source.source in ("Environment", "WorkloadIdentity", "ManagedIdentity")
    admitted = {"prod": production, "dev": not production}.get(only, only == f"{source.source}Credential".lower())
    return source if admitted else Source(source.source, False, f"excluded by AZURE_TOKEN_CREDENTIALS={only}")


def _environment(env: Mapping[str, str]) -> tuple[bool, str]:
    if env.get("AZURE_CLIENT_ID") and env.get("AZURE_TENANT_ID"):
        if env.get("AZURE_CLIENT_SECRET"):
            return True, "AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET are set"
        if env.get("AZURE_CLIENT_CERTIFICATE_PATH"):
            path = env["AZURE_CLIENT_CERTIFICATE_PATH"]
            if Path(path).is_file():
                return True, f"the certificate {path} is used"
            return False, f"AZURE_CLIENT_CERTIFICATE_PATH names {path}, which does not exist"
    missing = [key for key in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET") if not env.get(key)]
    verb = "is" if len(missing) == 1 else "are"
    return False, f"{', '.join(missing)} {verb} not set"


def _workload_identity(env: Mapping[str, str]) -> tuple[bool, str]:
    path = env.get("AZURE_FEDERATED_TOKEN_FILE")
    if not path:
        return False, "AZURE_FEDERATED_TOKEN_FILE is not set"
    if not Path(path).is_file():
        return False, f"AZURE_FEDERATED_TOKEN_FILE names {path}, which does not exist"
    return True, f"the token in {path} is used"


def _managed_identity(env: Mapping[str, str]) -> tuple[bool, str]:
    for variable in ("IDENTITY_ENDPOINT", "MSI_ENDPOINT"):
        if env.get(variable):
            return True, f"{variable} is set"
    try:
        with socket.create_connection(_IMDS, timeout=0.3):
            return True, "this machine has an instance metadata service"
    except OSError:
        return False, "no instance metadata service answers on this machine"


def _azure_cli(env: Mapping[str, str]) -> tuple[bool, str]:
    if not shutil.which("az", path=env.get("PATH")):
        return False, "the Azure CLI (az) is not on PATH"
    folder = Path(env.get("AZURE_CONFIG_DIR") or Path.home() / ".azure")
    if not (folder / "azureProfile.json").is_file():
        return False, "the Azure CLI is installed, but not signed in (az login)"
    return True, f"the Azure CLI's sign-in in {folder} is used"


def _tool(commands: tuple[str, ...], login: str, env: Mapping[str, str]) -> tuple[bool, str]:
    for command in commands:
        if shutil.which(command, path=env.get("PATH")):
            return True, f"{command} is installed; it works if `{login}` was run"
    return False, f"{commands[0]} is not on PATH"


# The sources in the chain's order, each with the check whether it has something to sign in with, and why.
_CHAIN: tuple[tuple[str, Callable[[Mapping[str, str]], tuple[bool, str]]], ...] = (
    ("Environment", _environment),
    ("WorkloadIdentity", _workload_identity),
    ("ManagedIdentity", _managed_identity),
    ("AzureCli", _azure_cli),
    ("AzurePowerShell", partial(_tool, ("pwsh", "powershell"), "Connect-AzAccount")),
    ("AzureDeveloperCli", partial(_tool, ("azd",), "azd auth login")),
)
