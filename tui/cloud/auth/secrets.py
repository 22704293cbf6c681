"""Reads secrets that a plan refers to: `${databricks:SCOPE/KEY}` and `${keyvault:VAULT/NAME}`.

Values are read in the processes that talk to Azure, and are held in memory only.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
from dataclasses import dataclass, replace
from typing import Any

from tui.cloud import clouds
from tui.cloud.auth import credentials
from tui.cloud.auth.shared_token import SharedToken
from tui.cloud.error_explanations import explain
from tui.cloud.errors import CloudError
from tui.cloud.http import connections, sdk_logging, trusted_hosts
from tui.cloud.http.logged_call import logged_command
from tui.common.redact import learn
from tui.plan.load_save.references import REFERENCE, SECRET_KINDS, has_secret, malformed, of_secrets
from tui.plan.model import Credential, Deployment, Plan

_SECONDS = 20  # for one secret, including the libraries' retries
UNREAD = "SecretUnread"
_CLUSTER_VARIABLE = (
    "Give the cluster the environment variable NAME with the value {{{{secrets/{name}}}}} (compute, Advanced, "
    "Spark, Environment variables), restart it, and write ${{env:NAME}}"
)


def fill(plan: Plan, reader: Reader | None = None) -> Plan:
    """The plan with its secrets filled in; reuse a `reader` to read each secret once.

    Raises CloudError for the first secret that cannot be read.
    """
    reader = reader or Reader()
    credential = _filled(plan.credential, reader)
    # A Key Vault is read with the plan's own credential, once that is complete.
    reader.use(credential)
    return replace(
        plan,
        credential=credential,
        workspace=_filled(plan.workspace, reader),
        deployment=_deployment(plan.deployment, reader),
        deployments=tuple(_deployment(one, reader) for one in plan.deployments),
    )


@dataclass(frozen=True)
class Tested:
    """Whether a reference can be resolved: `state` is ok, missing, refused or unknown. Never holds a value."""

    reference: str
    keys: tuple[str, ...]
    state: str
    detail: str


def test(tree: Any, credential: Credential) -> list[Tested]:
    """Test every reference of a plan's tree (nested dicts, as written) once; `credential` is the plan's."""
    keys: dict[tuple[str, str], list[str]] = {}
    for key, text in _texts(tree):
        for found in REFERENCE.findall(text):
            keys.setdefault(found, []).append(key)
    reader = Reader()
    with contextlib.suppress(CloudError):  # its own reference is reported below
        reader.use(_filled(credential, reader))
    return [
        Tested(f"${{{kind}:{name}}}", tuple(places), *_tested(kind, name, reader))
        for (kind, name), places in keys.items()
    ]


test.__test__ = False  # type: ignore[attr-defined]  # pytest would take the name for a test


def _tested(kind: str, name: str, reader: Reader) -> tuple[str, str]:
    if kind == "env":
        there = bool(os.environ.get(name))
        return ("ok", "The variable is set.") if there else ("missing", f"The variable {name} is not set.")
    if kind not in SECRET_KINDS:
        return "refused", f"The kind of reference {kind} is unknown."
    try:
        reader.read(kind, name)
    except CloudError as error:
        state = {404: "missing", None: "unknown"}.get(error.status, "refused")
        return state, " ".join(f"{part.rstrip('.')}." for part in (error.title, error.cause, error.remedy) if part)
    return "ok", "The secret was read; its value is not shown."


def _texts(node: Any, prefix: str = "") -> list[tuple[str, str]]:
    """The dotted keys and texts of a tree."""
    if isinstance(node, dict):
        return [item for name, value in node.items() for item in _texts(value, f"{prefix}.{name}" if prefix else name)]
    if isinstance(node, list):
        return [item for place, value in enumerate(node) for item in _texts(value, f"{prefix}.{place}")]
    return [(prefix, node)] if isinstance(node, str) else []


def _deployment(deployment: Deployment, reader: Reader) -> Deployment:
    variables = {name: _replaced(value, reader, True) for name, value in deployment.environment_variables.items()}
    return replace(deployment, environment_variables=variables)


def _filled(part: Any, reader: Reader) -> Any:
    """A copy of a dataclass with the references in its texts replaced by secrets."""
    changed = {
        field.name: _replaced(value, reader, field.name == "client_secret")
        for field in dataclasses.fields(part)
        if isinstance(value := getattr(part, field.name), str) and has_secret(value)
    }
    return replace(part, **changed) if changed else part


def _replaced(text: str, reader: Reader, secret: bool) -> str:
    """The text with its references replaced; values that are `secret` are hidden from now on."""
    for kind, name in of_secrets(text):
        value = reader.read(kind, name)
        if secret:
            learn(value)
        text = text.replace(f"${{{kind}:{name}}}", value)
    return text


class Reader:
    """Reads each secret once and caches it in memory."""

    def __init__(self) -> None:
        self._credential = Credential()
        self._values: dict[tuple[str, str], str] = {}
        self._token: Any = None

    def use(self, credential: Credential) -> None:
        """Read Key Vaults with this credential from now on, instead of the default chain."""
        if credential != self._credential:
            self._credential, self._token = credential, None

    def read(self, kind: str, name: str) -> str:
        """The value of a secret. Raises CloudError with code SecretUnread, without any value in it."""
        wrong = malformed(kind, name)
        if wrong:
            raise CloudError(title="The reference is not valid", cause=wrong, code=UNREAD)
        if (kind, name) not in self._values:
            value = _of_databricks(name) if kind == "databricks" else self._of_vault(name)
            if not value:
                raise CloudError(
                    title=f"The secret {name} is empty",
                    cause="It was read, and its value is empty.",
                    remedy="Set a value.",
                    code=UNREAD,
                    status=404,
                )
            self._values[kind, name] = value
        return self._values[kind, name]

    def _of_vault(self, name: str) -> str:
        try:
            from azure.core.exceptions import HttpResponseError
            from azure.keyvault.secrets import SecretClient
        except ImportError:
            raise _not_installed("azure-keyvault-secrets", "keyvault", f"keyvault:{name}", "") from None
        sdk_logging.before_import()
        vault, _, rest = name.partition("/")
        secret, _, version = rest.partition("/")
        cloud = clouds.current()
        host = vault if "." in vault else f"{vault}.{cloud.vault_suffix}"
        trusted_hosts.check(cloud, trusted_hosts.VAULT, f"https://{host}", f"${{keyvault:{name}}}")
        if self._token is None:
            self._token = SharedToken(credentials.build(self._credential, cloud, connections.transport()))
        client = SecretClient(
            f"https://{host}",
            self._token,
            transport=connections.transport(),
            retry_total=2,
            permit_redirects=False,  # they would be followed to any host, and its answer believed
            connection_timeout=5,
            read_timeout=_SECONDS,
        )
        try:
            return str(client.get_secret(secret, version or None).value or "")
        except HttpResponseError as error:
            raise _vault_refused(error, host, secret) from None
        except Exception as error:
            told = explain(error, doing=f"reading the secret {secret} of {host}")
            told.code = UNREAD
            raise told from None
        finally:
            client.close()


def _vault_refused(error: Any, host: str, secret: str) -> CloudError:
    """Explain a Key Vault's refusal (Microsoft, "Azure Key Vault REST API error codes")."""
    status = getattr(error, "status_code", None)
    inner = getattr(getattr(error, "error", None), "innererror", None) or {}
    reason = str(inner.get("code", "")) if isinstance(inner, dict) else ""
    text = str(getattr(error, "message", error))
    firewall = "Forbidden by firewall" in text or "ForbiddenByFirewall" in reason + text
    known = (
        (status == 404, f"{host} has no secret {secret}, or it was deleted.", "Check both names."),
        (
            status == 403 and firewall,
            f"The firewall of {host} blocks this machine.",
            "Connect through the vault's private endpoint, or ask to have this network allowed.",
        ),
        (
            status == 403 and "ForbiddenByConnection" in reason + text,
            f"{host} answers through its private endpoint only, and this machine called over the public network.",
            "Make the vault's name resolve through privatelink.vaultcore.azure.net on this machine.",
        ),
        (
            status == 403,
            "The signed-in identity has no permission to read secrets of this vault.",
            "Assign it the role Key Vault Secrets User on the vault, or an access policy with Get.",
        ),
        (
            status == 401,
            "The vault did not accept the token; it may belong to another tenant.",
            "Compare credential.tenant_id with the vault's tenant.",
        ),
    )
    told = explain(error, doing=f"reading the secret {secret}")
    cause, remedy = next(((cause, remedy) for is_it, cause, remedy in known if is_it), (told.cause, told.remedy))
    return CloudError(
        title=f"The secret {secret} of {host} cannot be read",
        cause=cause,
        remedy=remedy,
        raw=text,
        code=UNREAD,
        status=status,
    )


def _of_databricks(name: str) -> str:
    """The value of SCOPE/KEY, read with `GET /api/2.0/secrets/get` as dbutils does (Databricks SDK for Python)."""
    try:
        from databricks.sdk import WorkspaceClient
        from databricks.sdk.core import Config
        from databricks.sdk.errors import DatabricksError
    except ImportError:
        raise _not_installed("databricks-sdk", "databricks", f"databricks:{name}", name) from None
    import base64

    scope, _, key = name.partition("/")
    try:
        client = WorkspaceClient(config=Config(http_timeout_seconds=10, retry_timeout_seconds=_SECONDS))
    except Exception as error:
        raise CloudError(
            title=f"Cannot sign in to Databricks to read {name}",
            cause=str(error).partition(". Config:")[0].partition("\n")[0],
            remedy="Set DATABRICKS_HOST and DATABRICKS_TOKEN (a notebook has both), or the ARM_… variables of a "
            "service principal. " + _CLUSTER_VARIABLE.format(name=name),
            code=UNREAD,
        ) from None
    try:
        with logged_command("databricks", "secrets", "get-secret", scope, key):
            answer = client.secrets.get_secret(scope, key)
        return base64.b64decode(answer.value or "").decode()
    except UnicodeDecodeError:
        cause, remedy, raw = "Its value is not text.", "Store the value as text.", ""
        status: int | None = 422
    except DatabricksError as error:
        cause, remedy, status = _databricks_refused(error, name)
        raw = str(error)
    except Exception as error:
        cause, remedy, status = f"{client.config.host} does not answer.", "Check DATABRICKS_HOST and the network.", None
        raw = f"{type(error).__name__}: {error}"
    raise CloudError(
        title=f"The secret {name} of Databricks cannot be read",
        cause=cause,
        remedy=remedy,
        raw=raw,
        code=UNREAD,
        status=status,
    ) from None


def _databricks_refused(error: Any, name: str) -> tuple[str, str, int | None]:
    """Cause, remedy and status of a refusal (Databricks REST API, Secrets, Get)."""
    code = str(error.error_code or "")
    scope, _, key = name.partition("/")
    own_way = _CLUSTER_VARIABLE.format(name=name) + ". In a notebook, dbutils.secrets.get reads it."
    if code in ("RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"):
        return f"There is no scope {scope}, or no key {key} in it.", "See databricks secrets list-secrets SCOPE.", 404
    if code == "PERMISSION_DENIED":
        cause = f"The identity cannot read the scope {scope}, or Databricks cannot read the vault behind it."
        return cause, f"Ask for READ: databricks secrets put-acl {scope} PRINCIPAL READ.", 403
    if code in ("UNAUTHENTICATED", "401") or "Unauthenticated" in type(error).__name__:
        return "Databricks did not accept the token.", "Create a new token and set DATABRICKS_TOKEN.", 401
    if code in ("BAD_REQUEST", "MALFORMED_REQUEST", "INVALID_PARAMETER_VALUE"):
        cause = "Databricks returns secrets in notebooks only, and refuses this call outside of one."
        return cause, own_way, 400
    return str(error).partition("\n")[0] or code, own_way, 500


def _not_installed(package: str, extra: str, reference: str, databricks: str) -> CloudError:
    cause = f"${{{reference}}} needs the package {package}, which is not installed."
    remedy = f"Install it: pip install 'aml-deploy[{extra}]'."
    if databricks and sys.version_info < (3, 10):
        cause += " It needs Python 3.10 or newer."
        remedy = _CLUSTER_VARIABLE.format(name=databricks) + "."
    return CloudError(title="The secret cannot be read on this machine", cause=cause, remedy=remedy, code=UNREAD)
