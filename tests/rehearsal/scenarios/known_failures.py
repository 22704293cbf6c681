"""The failures in Microsoft's article and public reports, and how to rehearse each one; run as a module, as a table.

The article is Microsoft's how-to-troubleshoot-online-endpoints.
"""

from __future__ import annotations

from typing import NamedTuple

from tui.rehearsal.scenarios.scenarios import SCENARIOS


class Known(NamedTuple):
    """A known failure: the scenarios for it, what causes it without a scenario, or why it cannot be produced."""

    failure: str
    scenarios: tuple[str, ...] = ()
    itself: str = ""
    cannot: str = ""


_KUBERNETES = "Kubernetes endpoints are not offered; they are refused by name."
_CLIENT = "Happens in the client's own process, before any request; no response of a service causes it."

ARTICLE = (
    # Codes of a deployment operation
    Known("ImageBuildFailure: registry authorization", ("image-build-authorization",)),
    Known("ImageBuildFailure: no image build compute", ("image-build", "no-build-compute")),
    Known("ImageBuildFailure: build timing out", ("image-build-timeout",)),
    Known("ImageBuildFailure: others", ("image-build-conflict",), "a conda file that pip cannot resolve"),
    Known("OutOfQuota: CPU", ("quota",), "more cores than are left of the 48 of a family"),
    Known("OutOfQuota: cluster", ("quota-clusters",)),
    Known("OutOfQuota: disk", ("quota-disk",)),
    Known("OutOfQuota: memory", ("quota-memory",)),
    Known("OutOfQuota: role assignments", ("quota-role-assignments",)),
    Known("OutOfQuota: endpoints", ("endpoint-limit",), "the 101st endpoint"),
    Known("OutOfQuota: region-wide capacity", ("out-of-capacity",)),
    Known("OutOfQuota: others", ("quota-container",)),
    Known("OutOfQuota: Kubernetes", cannot=_KUBERNETES),
    Known("BadArgument: subscription does not exist", ("subscription-gone",), "another subscription's id: 404"),
    Known("BadArgument: startup task, authorization", ("storage-access",)),
    Known("BadArgument: startup task, role assignments", ("startup-roles",)),
    Known("BadArgument: invalid template function", ("policy-template",)),
    Known("BadArgument: user container image", ("image-download",)),
    Known("BadArgument: user model", ("model-download",), "a model whose blobs do not exist"),
    Known(
        "BadArgument: MLflow with private network",
        ("mlflow-private-network",),
        "an MLflow model without code, egress disabled, in the workspace with legacy isolation",
    ),
    Known("BadArgument: requests greater than limits", cannot=_KUBERNETES),
    Known("BadArgument: azureml-fe not ready", cannot=_KUBERNETES),
    Known("ResourceNotReady: container crash", ("container-crash",), "an init() that raises"),
    Known("ResourceNotReady: probes", ("probe-failure",), "an init() that is slower than the probe allows"),
    Known("ResourceNotReady: old inference server", ("server-too-old",)),
    Known("ResourceNotFound: Resource Manager", ("resource-not-found",)),
    Known("ResourceNotFound: registry authorization", ("registry-not-found",)),
    Known("WorkspaceManagedNetworkNotReady", ("managed-network-not-ready",)),
    Known("OperationCanceled: higher priority", ("operation-canceled",)),
    Known("OperationCanceled: lock confirmation", ("operation-canceled-lock",)),
    Known("SecretsInjectionError", ("secrets-injection",)),
    Known("InternalServerError", ("internal-error", "internal-error-request")),
    *(
        Known(code, cannot=_KUBERNETES)
        for code in (
            "ACRSecretError",
            "TokenRefreshFailed",
            "GetAADTokenFailed",
            "ACRAuthenticationChallengeFailed",
            "ACRTokenExchangeFailed",
            "KubernetesUnaccessible",
            "ImagePullLoopBackOff",
            "DeploymentCrashLoopBackOff",
            "KubernetesCrashLoopBackOff",
            "UserScriptInitFailed",
            "UserScriptImportError",
            "UserScriptFunctionNotFound",
            "NamespaceNotFound",
            "EndpointNotFound",
            "EndpointAlreadyExists",
            "ScoringFeUnhealthy",
            "ValidateScoringFailed",
            "InvalidDeploymentSpec",
            "PodUnschedulable",
            "PodOutOfMemory",
            "InferencingClientCallFailed",
        )
    ),
    # Scoring
    Known("scoring 401", ("scoring-unauthorized", "scoring-forbidden"), "a wrong key or an old token"),
    Known("scoring 404", ("scoring-no-traffic",), "an endpoint without traffic"),
    Known("scoring 408", ("scoring-timeout",), "a run() that takes longer than request_timeout_ms"),
    Known("scoring 424", ("scoring-model-error", "scoring-model-not-ready"), "a run() that raises"),
    Known("scoring 429: too many pending requests", ("scoring-too-many",), "that many concurrent requests"),
    Known("scoring 429: rate limit", ("scoring-rate-limited",)),
    Known("scoring 500", ("scoring-internal-error",)),
    Known(
        "scoring: delay by the bandwidth limit",
        cannot="Azure reports the delay in trailers of the response, which the rehearsal's HTTP server cannot send; "
        "--bandwidth slows storage down, not scoring.",
    ),
    Known("scoring: no CORS", (), "a preflight request is answered like any other call without a key: 401"),
    *(Known(f"scoring {status} (Kubernetes)", cannot=_KUBERNETES) for status in ("409", "502", "503", "504")),
    # Network isolation
    Known("network: V1LegacyMode is true", ("v1-legacy-mode",)),
    Known("network: creation with key authentication fails", ("key-vault-bypass",)),
    Known("network: image download (legacy egress)", ("image-download",)),
    Known("network: endpoint can't be resolved", ("scoring-host-unresolved",)),
    Known(
        "network: private endpoint must be recreated, or DNS forwarding is wrong",
        cannot="There is no private DNS zone here; its effect on callers is the scenario scoring-host-unresolved.",
    ),
)

# By the names that operators use for the reported failures; the reports' numbers are in the scenarios.
REPORTED = (
    Known("inference-server-missing", ("server-missing",), "a conda file without azureml-inference-server-http"),
    Known("mlflow-ncd-monitoring", ("monitoring-missing",)),
    Known("resource-not-ready", ("container-crash", "probe-failure"), "an init() that raises"),
    Known("quota", ("quota",), "more cores than are left"),
    Known("image-build-acr", ("image-build", "image-build-authorization")),
    Known("image-download", ("image-download",)),
    Known("mlflow-legacy-net", ("mlflow-private-network",), "an MLflow model without code, egress disabled"),
    Known("managed-net-not-ready", ("managed-network-not-ready",)),
    Known("v1-legacy", ("v1-legacy-mode",)),
    Known("private-link-denied", ("private-link-denied", "public-names")),
    Known("endpoint-dns", ("scoring-host-unresolved",)),
    Known("storage-403", ("storage-firewall", "upload-forbidden")),
    Known("storage-keyless", ("storage-keyless",)),
    Known("upload-timeout", ("storage-timeouts", "storage-busy", "storage-reset", "slow-storage")),
    Known("symlink-ignore", cannot=_CLIENT),
    Known("endpoint-name", ("endpoint-name-taken",), "the name of an endpoint in the rehearsal's other workspace"),
    Known("endpoint-busy", ("endpoint-busy", "operation-canceled-lock"), "two concurrent changes"),
    Known("rbac", ("endpoint-forbidden", "assets-forbidden", "signin-forbidden", "identity-missing"), "removed roles"),
    Known("secret-expired", ("secret-expired", "application-unknown"), "a wrong secret or tenant"),
    Known("cred-chain", ("identity-unavailable",), "variables that are not set"),
    Known("token-expired-lro", ("expired-tokens", "short-tokens")),
    Known("marshmallow", cannot=_CLIENT),
    Known("no-traffic", ("scoring-no-traffic",), "an endpoint without traffic"),
    Known("model-424", ("scoring-model-error", "scoring-model-not-ready"), "a run() that raises"),
    Known("mlflow2-input", ("scoring-mlflow-input",)),
    Known("upstream-408", ("scoring-timeout",), "a run() that takes longer than request_timeout_ms"),
    Known("xgb-version", ("xgboost-version",), "a model of another xgboost"),
    Known("key-vault-bypass", ("key-vault-bypass",)),
    Known("region-capacity", ("out-of-capacity",)),
    Known("missing-driver", ("missing-driver",)),
    Known("svc-500", ("internal-error-request", "internal-error", "server-errors")),
)

NETWORK = (
    Known("throttling", ("throttling", "throttling-no-hint", "read-limits")),
    Known("errors during polling", ("server-errors", "gateway-errors")),
    Known("a Resource Graph that refuses or lags", ("graph-forbidden", "graph-partial")),
    Known("connection resets", ("connection-reset", "storage-reset", "scoring-reset")),
    Known("slow lines", ("slow-storage",), "--latency and --bandwidth"),
    Known("a host that does not resolve", ("scoring-host-unresolved", "storage-host-unresolved")),
    Known("a host with a public address", ("public-names",)),
    Known("outbound traffic that no rule allows", ("approved-outbound",), "egress disabled"),
    Known("expired tokens", ("expired-tokens", "short-tokens")),
    Known("clocks that differ", ("clock-skew",)),
    Known(
        "packets that are dropped",
        cannot="Loopback drops nothing, and the rehearsal changes no firewall; a hanging connection is like "
        "--latency 60000.",
    ),
    Known(
        "a proxy that inspects TLS",
        cannot="The rehearsal is reached without a proxy; its own certificate, which is not trusted by default, has "
        "the same effect.",
    ),
)


def table() -> str:
    """The scenarios and the failures that they cover, as Markdown."""
    lines = [
        "# Failures on demand",
        "",
        "`aml-deploy rehearsal --scenario NAME` makes a failure happen, also in a running rehearsal;",
        "`aml-deploy rehearsal --clear-scenarios` ends that. Sources of codes and sentences:",
        "**documented** by Microsoft, **recorded** in published recordings, **reported** in public issues,",
        "**guessed**, or **real**: not imitated. Nothing here was compared with a live Azure.",
        "",
        "| scenario | what happens | affects | source of code and message |",
        "|---|---|---|---|",
        *(f"| `{name}` | {item.about} | {item.disturbs} | {item.words} |" for name, item in SCENARIOS.items()),
    ]
    for title, known in (
        ("## Failures in Microsoft's troubleshooting article", ARTICLE),
        ("## Failures reported by others", REPORTED),
        ("## Network and clock failures", NETWORK),
    ):
        lines += [
            "",
            title,
            "",
            "| failure | scenario | also caused by | cannot be produced, because |",
            "|---|---|---|---|",
        ]
        lines += [
            f"| {item.failure} | {', '.join(f'`{name}`' for name in item.scenarios)} | {item.itself} | {item.cannot} |"
            for item in known
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(table(), end="")
