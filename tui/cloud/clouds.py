"""Determines the Azure cloud: a built-in one by name, any other by `ARM_CLOUD_METADATA_URL`, as the SDK does."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tui.cloud.error_explanations import explain
from tui.cloud.errors import CloudError, unreadable
from tui.cloud.http.retry_policy import POLICIES, delay
from tui.common.deadlines import pause

if TYPE_CHECKING:
    import requests


@dataclass(frozen=True)
class CloudMetadata:
    """Addresses of one Azure cloud; URLs have no final slash. `studio` is empty if unknown.

    `hosts` are all names and suffixes in the metadata of a cloud that is not built in. `metrics` is the address of
    Azure Monitor's metrics in batches, with `{region}` in it; empty if unknown.
    """

    name: str
    resource_manager: str
    login: str
    ml_resource: str
    storage_suffix: str
    portal: str
    studio: str
    registry_discovery: str
    built_in: bool
    vault_suffix: str = "vault.azure.net"
    hosts: tuple[str, ...] = ()
    metrics: str = ""

    @property
    def management_scope(self) -> str:
        """The scope of tokens for Azure Resource Manager, composed as the SDK does."""
        return f"{self.resource_manager}/.default"

    @property
    def ml_scope(self) -> str:
        """The scope of tokens for the data plane of Azure Machine Learning (auth mode `aad_token`)."""
        return f"{self.ml_resource}/.default"

    @property
    def metrics_scope(self) -> str:
        """The scope of tokens for metrics in batches; the public cloud's in clouds that are not built in."""
        cloud = self if self.built_in else BUILT_IN["AzureCloud"]
        return f"{cloud.metrics.replace('{region}.', '')}/.default"


def _known(
    name: str, arm: str, login: str, ml: str, storage: str, portal: str, registry: str, vault: str
) -> CloudMetadata:
    return CloudMetadata(
        name=name,
        resource_manager=f"https://{arm}",
        login=f"https://{login}",
        ml_resource=f"https://{ml}",
        storage_suffix=storage,
        portal=f"https://{portal}",
        studio=f"https://{ml}",
        registry_discovery=f"https://{registry}/",
        built_in=True,
        vault_suffix=vault,
        # Hosts and audiences of Microsoft's client (azure-monitor-querymetrics): azure.com, azure.us and azure.cn.
        metrics=f"https://{{region}}.metrics.monitor.{ml[3:]}",
    )


# The addresses in azure-ai-ml 1.35 (azure.ai.ml._azure_environments), and the suffixes of vaults (Microsoft, "About
# Azure Key Vault keys, secrets and certificates").
BUILT_IN = {
    cloud.name: cloud
    for cloud in (
        _known(
            "AzureCloud",
            "management.azure.com",
            "login.microsoftonline.com",
            "ml.azure.com",
            "core.windows.net",
            "portal.azure.com",
            "eastus.api.azureml.ms",
            "vault.azure.net",
        ),
        _known(
            "AzureUSGovernment",
            "management.usgovcloudapi.net",
            "login.microsoftonline.us",
            "ml.azure.us",
            "core.usgovcloudapi.net",
            "portal.azure.us",
            "usgovarizona.api.ml.azure.us",
            "vault.usgovcloudapi.net",
        ),
        _known(
            "AzureChinaCloud",
            "management.chinacloudapi.cn",
            "login.chinacloudapi.cn",
            "ml.azure.cn",
            "core.chinacloudapi.cn",
            "portal.azure.cn",
            "chinaeast2.api.ml.azure.cn",
            "vault.azure.cn",
        ),
    )
}


def current(environ: Mapping[str, str] | None = None, session: requests.Session | None = None) -> CloudMetadata:
    """The cloud that the environment variables name; AzureCloud by default.

    `ARM_CLOUD_METADATA_URL` has precedence: the SDK itself sets `AZUREML_CURRENT_CLOUD`, so its value may be
    left over from another process; it is used only if it names a built-in cloud.
    Raises CloudError if the metadata cannot be read.
    """
    env = os.environ if environ is None else environ
    url = env.get("ARM_CLOUD_METADATA_URL")
    if not url:
        # If this process has an SDK client, an address follows the name (`tui.cloud.http.sdk_client`).
        return BUILT_IN.get(env.get("AZUREML_CURRENT_CLOUD", "").partition(" ")[0], BUILT_IN["AzureCloud"])
    if not url.lower().startswith("https://"):
        raise _unusable("The cloud's metadata would be read without encryption", url, "does not begin with https://")
    for entry in _read_metadata(url, session):
        try:
            metadata = _from_entry(entry)
        except (KeyError, TypeError, AttributeError, IndexError):
            continue
        if urlsplit(metadata.resource_manager).netloc == urlsplit(url).netloc:
            if not (metadata.resource_manager.startswith("https://") and metadata.login.startswith("https://")):
                break
            return BUILT_IN.get(metadata.name, metadata)
    what = "lists no cloud whose Resource Manager is at that address, and whose sign-in is over https"
    raise _unusable("The cloud's metadata do not describe it", url, what)


def _unusable(title: str, url: str, what: str) -> CloudError:
    return CloudError(
        title=title,
        cause=f"{url} (ARM_CLOUD_METADATA_URL) {what}.",
        remedy="Unset ARM_CLOUD_METADATA_URL for the public cloud, or set it to "
        "https://<resource manager>/metadata/endpoints?api-version=2019-05-01 of your cloud.",
    )


def _read_metadata(url: str, session: requests.Session | None) -> list[Any]:
    from tui.cloud.http import connections

    http, doing = session or connections.session(), f"reading the cloud's metadata at {url}"
    for attempt in itertools.count(1):
        try:
            answer = http.get(url, timeout=(10, 30), allow_redirects=False)
            answer.raise_for_status()
            break
        except Exception as error:
            told = explain(error, doing=doing)
            if not (told.status and (told.status == 429 or told.status >= 500)) or attempt >= POLICIES["request"].tries:
                raise told from None
            pause(delay("request", attempt - 1))
    try:
        body = answer.json()
    except (ValueError, RecursionError):  # the latter for deep nesting
        raise unreadable(doing, answer.text) from None
    return body if isinstance(body, list) else [body]


def _from_entry(entry: Mapping[str, Any]) -> CloudMetadata:
    portal = str(entry["portal"])
    # The SDK composes the address of Azure Machine Learning from the portal's host in the same way.
    suffix = ".".join(portal.split(".")[2:]).replace("/", "")
    name = str(entry["name"])
    # Azure Stack writes some of them with a dot in front.
    suffixes = {str(key): str(value).lstrip(".") for key, value in entry["suffixes"].items()}
    return CloudMetadata(
        name=name,
        resource_manager=str(entry["resourceManager"]).rstrip("/"),
        login=str(entry["authentication"]["loginEndpoint"]).rstrip("/"),
        ml_resource=f"https://ml.azure.{suffix}",
        storage_suffix=suffixes["storage"],
        portal=portal.rstrip("/"),
        studio="",
        registry_discovery=f"https://{name.lower()}.api.ml.azure.{suffix}/",
        built_in=False,
        vault_suffix=suffixes.get("keyVaultDns", "vault.azure.net"),
        hosts=(urlsplit(str(entry["resourceManager"])).netloc, *filter(None, suffixes.values())),
        # Not in Azure's metadata: our own member, which a rehearsal has.
        metrics=str(entry.get("metricsEndpoint") or "").rstrip("/"),
    )
