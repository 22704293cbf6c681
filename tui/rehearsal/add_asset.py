"""The command `rehearsal add`: register what a user's own workspace, or a registry, already holds."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import yaml

from tui.common.typed_path import typed_path
from tui.rehearsal.arm.added_assets import FILES, known
from tui.rehearsal.arm.asset_properties import yaml_object
from tui.rehearsal.arm.assets import NAME, VERSION
from tui.rehearsal.files import replace_json
from tui.rehearsal.online_endpoints.own_containers import ROUTES
from tui.rehearsal.places import Home
from tui.rehearsal.process import UsageError, locked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

BASE_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:latest"
"""The image of a conda file that comes without one; a rehearsal does not run it."""
_IMAGE = re.compile(r"[\w-]+(\.[\w-]+)+(:\d+)?/[\w./-]+([:@][\w.:-]+)?")


def add(home: Home, kind: str, asset: str, path: str, registry: str) -> str:
    """Add a model or an environment, and return a sentence about it; a version that is there is replaced.

    Without `:VERSION` it gets the next number. With `registry` it is added to that one, else to every workspace, those
    named later included. Raises UsageError, also for a file that cannot be read.
    """
    (name, _, version), kinds = asset.partition(":"), f"{kind}s"
    for text, valid in ((name, NAME), (version or "1", VERSION), (registry or "none", NAME)):
        if not valid.fullmatch(text):
            raise UsageError(
                f"'{text}' is not a name or version: these have letters, digits, dots, dashes, underscores."
            )
    home.added.mkdir(mode=0o700, exist_ok=True)
    with locked(home.folder / "added.lock"):
        there = known(home)
        of_it = (kinds, name, registry)
        alike = [one["version"] for one in there if (one["kind"], one["name"], one["registry"]) == of_it]
        version = version or str(max((int(one) for one in alike if one.isdecimal()), default=0) + 1)
        stamp = f"{int(there[-1]['stamp']) + 1 if there else 1:06}"
        try:
            what, properties, source = _model(path) if kind == "model" else _environment(path)
            if source is not None:
                _copy(source, home.added / stamp)
        except (OSError, UnicodeDecodeError, shutil.Error) as error:
            why = error.args[0][0][2] if isinstance(error, shutil.Error) and isinstance(error.args[0], list) else error
            raise UsageError(f"{path} cannot be added: {getattr(why, 'strerror', None) or why}.") from None
        added = {"kind": kinds, "name": name, "version": version, "registry": registry, "properties": properties}
        replace_json(home.added / f"{stamp}.json", {**added, "stamp": stamp})
    if registry:
        return f"The rehearsal holds azureml://registries/{registry}/{kinds}/{name}/versions/{version} now: {what}."
    return f"Every workspace of the rehearsal holds azureml:{name}:{version} now: {what}."


def _copy(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)  # of an attempt that was interrupted
    target.mkdir(mode=0o700)
    copy = shutil.copytree if source.is_dir() else shutil.copyfile
    copy(source, target / source.name)
    for path in (target, *target.rglob("*")):  # what is kept is the user's own, and can be moved on
        path.chmod(0o700 if path.is_dir() else 0o600)


def _existing(path: str, hint: str = "") -> Path:
    found = typed_path(path).resolve()
    if not path or not found.exists():
        raise UsageError(f"There is no file or folder {path}.{hint}")
    return found


def _model(path: str) -> tuple[str, dict[str, Any], Path]:
    source = _existing(path)
    kind = "mlflow_model" if (source / "MLmodel").is_file() else "custom_model"
    return kind, {"modelType": kind, "modelUri": f"{FILES}/{source.name}"}, source


def _environment(path: str) -> tuple[str, dict[str, Any], Path | None]:
    """What it is, its properties, and the folder of its build context. Raises UsageError, OSError."""
    if _IMAGE.fullmatch(path) and not Path(path).exists():
        return path, {"image": path}, None
    found = _existing(path, " An image is written with its registry, such as docker.io/library/ubuntu:24.04.")
    if found.is_dir() or "dockerfile" in found.name.lower():
        return _build(found, "Dockerfile") if found.is_dir() else _build(found.parent, found.name)
    content = found.read_text(encoding="utf-8")
    tree = yaml_object(content)
    if "dependencies" in tree:
        return f"{found.name} on a base image", {"image": BASE_IMAGE, "condaFile": content}, None
    return _az_environment(found, tree)


def _build(context: Path, name: str) -> tuple[str, dict[str, Any], Path]:
    if not (context / name).is_file():
        raise UsageError(f"There is no {name} in {context.name}.")
    return f"a build of {name}", {"build": {"contextUri": f"{FILES}/{context.name}/", "dockerfilePath": name}}, context


def _az_environment(found: Path, tree: dict[str, Any]) -> tuple[str, dict[str, Any], Path | None]:
    """The same of the YAML of az ml environment, whose paths start from its folder. Raises UsageError, OSError."""
    image, conda, build, config = (tree.get(name) for name in ("image", "conda_file", "build", "inference_config"))
    properties: dict[str, Any] = {}
    if isinstance(config, dict):
        properties["inferenceConfig"] = {name: config.get(f"{name[:-5]}_route") for name in ROUTES}
    if isinstance(build, dict):
        context = _existing(str(found.parent / str(build.get("path") or ".")))
        what, made, source = _build(context, str(build.get("dockerfile_path") or "Dockerfile"))
        return what, {**properties, **made}, source
    if not isinstance(image, str):
        raise UsageError(
            f"{found.name} is not a conda file: it has no dependencies. It names no image or build either."
        )
    if conda:
        text = yaml.safe_dump(conda) if isinstance(conda, dict) else (found.parent / str(conda)).read_text("utf-8")
        properties["condaFile"] = text
    return f"{found.name} on {image}" if conda else image, {**properties, "image": image}, None
