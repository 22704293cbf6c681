"""A plan as Python that uses Azure's SDK alone: sections of code that script and notebook share.

Classes and keyword arguments are those of azure-ai-ml 1.35 (azure.ai.ml.entities) and azure-identity.
"""

from __future__ import annotations

from dataclasses import dataclass

from tui.export import python_extras, python_rollout
from tui.export.plan_source import Source
from tui.export.python_literals import call, path, value

PROBE = ("initial_delay", "period", "timeout", "success_threshold", "failure_threshold")
SETTINGS = ("request_timeout_ms", "max_concurrent_requests_per_instance")
WRITTEN = {
    "name", "model", "code_configuration", "environment", "environment_variables", "instance_type", "instance_count",
    "egress_public_network_access", "app_insights_enabled", "request_settings", "liveness_probe", "readiness_probe",
    "description", "tags", "data_collector", "model_mount_path",
}  # fmt: skip
OF_ENDPOINT = {"name", "auth_mode", "public_network_access", "description", "tags", "identity"}
KEPT = (
    "egress_public_network_access", "app_insights_enabled", "description", "tags", "environment_variables",
    "model_mount_path",
)  # fmt: skip
OF_ENVIRONMENT = ("name", "conda_file", "image", "registered", "build", "inference_config")


@dataclass(frozen=True)
class Section:
    """A piece of the program: its heading, what is to know, its code."""

    title: str
    about: str
    code: str


def sections(source: Source, *, setting: str) -> tuple[list[Section], list[str]]:
    """The program's sections after imports, and notes; `setting` is the function that looks references up.

    Raises PlanInvalid where the SDK could not do what the plan says.
    """
    made: list[Section | None] = [_workspace(source, setting), _endpoint(source, setting)]
    deployments = source.deployments()
    for one in deployments:
        made += [_model(one, setting), _environment(one, setting), _deployment(one, setting)]
    made += [_traffic(source, setting), _test(source)]
    told = [python_rollout.NOTE] if python_rollout.planned(source) else []
    return [section for section in made if section is not None], [
        *source.plan_only(rollout=False),
        *told,
        *_left_out(source),
    ]


def entities(source: Source) -> str:
    """The import of the entities that the sections use."""
    code = "\n".join(section.code for section in sections(source, setting="setting")[0])
    names = (
        "BuildContext", "CodeConfiguration", "DataAsset", "DataCollector", "DeploymentCollection", "Environment",
        "IdentityConfiguration", "ManagedIdentityConfiguration", "ManagedOnlineDeployment", "ManagedOnlineEndpoint",
        "Model", "OnlineRequestSettings", "ProbeSettings", "RequestLogging",
    )  # fmt: skip
    used = "".join(f"    {name},\n" for name in names if f"{name}(" in code)
    return f"from azure.ai.ml.entities import (\n{used})"


def modules(source: Source) -> tuple[list[str], list[str]]:
    """What the sections import beside Azure's SDK: of the standard library, and of what comes with the SDK."""
    if not python_rollout.planned(source):
        return [], []
    called = bool(source.path("test.request"))
    return (["math", "time"] if called else ["time"]), (["requests"] if called else [])


def credential(source: Source) -> tuple[str, str]:
    """The class of azure-identity that the plan's method stands for, and the arguments that are no references."""
    return {
        "service_principal": ("ClientSecretCredential", ""),
        "managed_identity": ("ManagedIdentityCredential", ""),
        "azure_cli": ("AzureCliCredential", ""),
    }.get(str(source.value("credential.method")), ("DefaultAzureCredential", ""))


def _workspace(source: Source, setting: str) -> Section:
    name, _ = credential(source)
    arguments: dict[str, str] = {}
    if name == "ClientSecretCredential":
        for key in ("tenant_id", "client_id", "client_secret"):
            arguments[key] = value(source.value(f"credential.{key}") or f"${{env:AZURE_{key.upper()}}}", setting)
    elif name == "ManagedIdentityCredential" and source.value("credential.client_id"):
        arguments["client_id"] = value(source.value("credential.client_id"), setting)
    where = {"credential": "credential"}
    for argument, key in (
        ("subscription_id", "subscription_id"),
        ("resource_group_name", "resource_group"),
        ("workspace_name", "name"),
    ):
        where[argument] = value(source.value(f"workspace.{key}"), setting)
    made = f"credential = {call(name, arguments) if arguments else name + '()'}\n"
    return Section("The workspace", "", f"{made}client = {call('MLClient', where)}")


def _endpoint(source: Source, setting: str) -> Section:
    arguments = {key: value(source.value(f"endpoint.{key}"), setting) for key in ("name", "auth_mode")}
    arguments["name"] = "ENDPOINT"
    arguments["public_network_access"] = value(source.value("endpoint.public_network_access"), setting)
    for key in ("description", "tags"):
        if source.written(f"endpoint.{key}"):
            arguments[key] = value(source.value(f"endpoint.{key}"), setting)
    if source.written("endpoint.identity.type"):
        arguments["identity"] = python_extras.identity(source, setting)
    code = (
        f"ENDPOINT = {value(source.value('endpoint.name'), setting)}\n"
        "try:\n"
        "    endpoint = client.online_endpoints.get(ENDPOINT)\n"
        '    print(f"The endpoint {ENDPOINT} is there already; it stays as it is.")\n'
        "except ResourceNotFoundError:\n"
        '    print(f"Creating the endpoint {ENDPOINT}: a minute or two.")\n'
        f"    wanted = {call('ManagedOnlineEndpoint', arguments, '    ')}\n"
        "    endpoint = client.online_endpoints.begin_create_or_update(wanted).result()"
    )
    return Section(
        "The endpoint", "Its name is unique in the Azure region; how callers sign in cannot be changed later.", code
    )


def _suffix(source: Source) -> str:
    """What tells the names of one deployment's variables from another's, in a plan with several."""
    several = len(source.document.listed()) > 0
    return "_" + str(source.value("deployment.name")).replace("-", "_") if several else ""


def _model(source: Source, setting: str) -> Section | None:
    name = f"model{_suffix(source)}"
    registered = source.registered_model()
    if registered:
        return Section("The model", "", f"{name} = {value(registered, setting)}")
    arguments = {
        "name": value(source.value("deployment.model.name"), setting),
        "path": f"str({path(source, 'deployment.model.path')})",
        "type": value(source.value("deployment.model.type"), setting),
    }
    for key in ("version", "description", "tags"):
        if source.written(f"deployment.model.{key}"):
            given = source.value(f"deployment.model.{key}")
            arguments[key] = value(str(given) if key == "version" else given, setting)
    made = call("Model", arguments, "")
    about = "Uploaded to the workspace's storage and registered; each run makes a new version."
    text = f'print("Registering the model: uploads the files.")\n{name} = client.models.create_or_update(\n'
    inside = "\n".join(f"    {line}" for line in made.splitlines())
    return Section("The model", about, f"{text}{inside}\n)")


def _environment(source: Source, setting: str) -> Section | None:
    name = f"environment{_suffix(source)}"
    registered = source.value("deployment.environment.registered")
    if registered:
        return Section("The environment", "", f"{name} = {value(registered, setting)}")
    conda, image = source.written("deployment.environment.conda_file"), source.written("deployment.environment.image")
    build = source.written("deployment.environment.build.path")
    if not conda and not image and not build:
        return None
    label = source.value("deployment.environment.name")
    label = label or f"{source.value('deployment.model.name') or source.value('endpoint.name')}-env"
    arguments = {"name": value(label, setting)}
    if image:
        arguments["image"] = value(image, setting)
    if conda:
        arguments["conda_file"] = f"str({path(source, 'deployment.environment.conda_file')})"
    if build:
        arguments["build"] = python_extras.build(source, setting)
    if source.document.get("deployment.environment.inference_config"):
        arguments["inference_config"] = python_extras.routes(source, setting)
    inside = "\n".join(f"    {line}" for line in call("Environment", arguments).splitlines())
    about = "Built into an image when a deployment first uses it."
    return Section("The environment", about, f"{name} = client.environments.create_or_update(\n{inside}\n)")


def _deployment(source: Source, setting: str) -> Section:
    suffix = _suffix(source)
    label = source.value("deployment.name")
    arguments = {"name": value(label, setting), "endpoint_name": "ENDPOINT", "model": _asset(source, "model", suffix)}
    if _environment(source, setting) is not None:
        arguments["environment"] = _asset(source, "environment", suffix)
    if source.written("deployment.code_configuration.code"):
        folder = f"str({path(source, 'deployment.code_configuration.code')})"
        script = value(source.value("deployment.code_configuration.scoring_script"), setting)
        arguments["code_configuration"] = call("CodeConfiguration", {"code": folder, "scoring_script": script}, "    ")
    for key in ("instance_type", "instance_count"):
        arguments[key] = value(source.value(f"deployment.{key}"), setting)
    if source.written("deployment.data_collector.collections"):
        arguments["data_collector"] = python_extras.collector(source, setting)
    for key in KEPT:
        given = source.written(f"deployment.{key}")
        if given:
            shown = {name: str(item) for name, item in given.items()} if isinstance(given, dict) else given
            arguments[key] = value(shown, setting)
    if any(source.written(f"deployment.request_settings.{key}") is not None for key in SETTINGS):
        arguments["request_settings"] = _group(source, "request_settings", "OnlineRequestSettings", SETTINGS, setting)
    for probe in ("liveness_probe", "readiness_probe"):
        if any(source.written(f"deployment.{probe}.{key}") is not None for key in PROBE):
            arguments[probe] = _group(source, probe, "ProbeSettings", PROBE, setting)
    code = (
        f'print("Deploying {label}: builds the environment and starts the servers; minutes.")\n'
        f"deployment{suffix} = {call('ManagedOnlineDeployment', arguments)}\n"
        f"client.online_deployments.begin_create_or_update(deployment{suffix}).result()"
    )
    return Section(f"The deployment {label}", "", code)


def _asset(source: Source, kind: str, suffix: str) -> str:
    key = "deployment.environment.registered" if kind == "environment" else None
    registered = source.value(key) if key else source.registered_model()
    return f"{kind}{suffix}" if registered else f"{kind}{suffix}.id"


def _group(source: Source, group: str, name: str, keys: tuple[str, ...], setting: str) -> str:
    inside = ", ".join(f"{key}={value(source.value(f'deployment.{group}.{key}'), setting)}" for key in keys)
    return f"{name}({inside})"


def _traffic(source: Source, setting: str) -> Section:
    if python_rollout.planned(source):
        return Section("The rollout", python_rollout.ABOUT, python_rollout.code(source, setting))
    code = [
        "endpoint = client.online_endpoints.get(ENDPOINT)",
        f"endpoint.traffic = {value(source.traffic(), setting)}",
    ]
    if source.value("mirror_traffic"):
        code.append(f"endpoint.mirror_traffic = {value(source.value('mirror_traffic'), setting)}")
    code += [
        "endpoint = client.online_endpoints.begin_create_or_update(endpoint).result()",
        'print(f"Requests go to {endpoint.traffic}: {endpoint.scoring_uri}")',
    ]
    about = "Without it an endpoint answers 404. Going back is the same with the shares from before."
    return Section("The requests", about, "\n".join(code))


def _test(source: Source) -> Section | None:
    if not source.path("test.request"):
        return None
    about = "Works from inside the network only, where the endpoint's public access is disabled."
    code = call(
        "answer = client.online_endpoints.invoke",
        {"endpoint_name": "ENDPOINT", "request_file": f"str({path(source, 'test.request')})"},
    )
    return Section("A test call", about, f"{code}\nprint(answer)")


def _left_out(source: Source) -> list[str]:
    notes = []
    for one in source.deployments():
        known = one.document.get("deployment") or {}
        notes += [
            f"deployment.{key}: not in this file; the export az-yaml has it." for key in known if key not in WRITTEN
        ]
        found = known.get("environment")
        build = found if isinstance(found, dict) else {}
        notes += [
            f"deployment.environment.{key}: not in this file; the export az-yaml has it."
            for key in build
            if key not in OF_ENVIRONMENT
        ]
    known = source.document.get("endpoint") or {}
    notes += [
        f"endpoint.{key}: not in this file; the export az-yaml has it." for key in known if key not in OF_ENDPOINT
    ]
    return list(dict.fromkeys(notes))
