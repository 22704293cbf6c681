"""Makes a plan from a folder, and the files that its deployment lacks."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

from tui.checks.model import model_files, model_folder
from tui.checks.model.model_files import ModelFile
from tui.checks.model.model_folder import ModelFolder
from tui.checks.scoring import module_packages, score_script, write_scoring_files
from tui.cloud.errors import CloudError
from tui.common.typed_path import real_path
from tui.common.write_atomic import write_atomic
from tui.new_plan import environment, folder_contents, model_place, scoring_script
from tui.new_plan.folder_contents import FolderContents, Note, Notes
from tui.plan.load_save.document import Document
from tui.plan.load_save.load import load
from tui.plan.rules.value_rules import suggest_name

NO_CODE_FROM, NO_CODE_BEFORE = Version("2.13"), Version("3")
"""Releases of MLflow whose models Azure is known to serve without code: those before lack `pkg_resources` in today's
environments; of later ones a failure is reported (Azure/azureml-examples 4051)."""
_USUAL = re.compile(r"^(model|models|artifacts?|outputs?|src|\.?)$", re.IGNORECASE)
LOOKED_FOR = (
    "an MLmodel file; a model of scikit-learn, XGBoost, LightGBM, CatBoost, ONNX, torch, Keras, transformers, spaCy, "
    "Prophet or statsmodels; a pickle; a scoring script with init() and run()"
)


def _refused(cause: str, remedy: str) -> CloudError:
    return CloudError("No plan was written", cause, remedy, code="NewPlanRefused")


@dataclass
class NewPlan:
    """The plan, the files that were written (the plan is the first), and what they rest on."""

    plan: Path
    written: list[Path]
    notes: list[Note]


def make(folder: Path, target: Path | None) -> NewPlan:
    """Look into a folder, or at a model's file; write the plan to `target`, and what it lacks beside it.

    Without `target`, the plan is `plan.yml` in the current folder, or the next free name. Existing files stay as they
    are. Raises CloudError if there is nothing to deploy or a file cannot be written.
    """
    if target is not None and (target.exists() or target.is_symlink()):
        raise _refused(f"{target} already exists, and is not replaced.", "Name another file for the plan.")
    try:
        found = folder_contents.look(real_path(folder))
    except OSError as error:
        raise _refused(f"{folder} cannot be read: {error.strerror or error}.", "Name the folder of a model.") from None
    draft = _Draft(found, real_path(target or _free(Path("plan.yml"))))
    try:
        draft.plan.parent.mkdir(parents=True, exist_ok=True)
        draft.fill()
        draft.document.save(draft.plan)
    except OSError as error:
        message = f"{draft.plan.parent} cannot be written: {error.strerror}."
        raise _refused(message, "Name another file for the plan.") from None
    draft.name_others()
    return NewPlan(draft.plan, [draft.plan, *draft.written], draft.notes)


def _free(path: Path) -> Path:
    """The path, or if it exists the first of the same name with a number that does not."""
    number, wanted = 1, path
    while path.exists() or path.is_symlink():
        number += 1
        path = wanted.with_name(f"{wanted.stem}-{number}{wanted.suffix}")
    return path


class _Draft:
    """A plan while it is made."""

    def __init__(self, found: FolderContents, plan: Path) -> None:
        self.found, self.plan = found, plan
        self.document = Document()
        self.written: list[Path] = []
        self.notes = Notes()

    def fill(self) -> None:
        """Take what the folder has, and write what it lacks. Raises CloudError, OSError."""
        found = self.found
        mlflow = next((model for model in found.mlflow if not model.problem), None)
        places = [*found.scripts, *(model.path for model in found.mlflow), *(model.path for model in found.models)]
        if places:
            found.prefer_near(places[0])
        models = [model for model in found.models if model.kind in scoring_script.LOADERS]
        if mlflow and not found.scripts:
            return self.take_mlflow(mlflow)
        if not models and not found.scripts:
            raise _nothing(found)
        model = next(iter(models or found.models), None)
        if model:
            text = f"a model of {model.package} {model.version}".rstrip()
            sure = model.kind == "own" or module_packages.is_known(model.package)
            self.notes.add(f"{text}: {model.path.name}", model.rests_on, sure)
        self.start("own-score", model.package if model else "own")
        if found.scripts:
            script = found.scripts[0]
            self.notes.add(f"the scoring script {script.name}", f"{script} defines init() and run()")
            likely = mlflow.path if mlflow else model.path if model else None
            place = model_place.of(script, found, likely, self.notes)
            return self.take_script(script, place, model, None)
        assert model is not None
        script = self.write("onlinescoring/score.py", scoring_script.make(model, model.path.name) or "")
        self.notes.add("a scoring script is written", f"how {model.package} loads and calls its models", False)
        return self.take_script(script, model.path, model, scoring_script.sample(model))

    def start(self, preset: str, what: str) -> None:
        """Begin with a preset, and the names that the folder suggests."""
        self.document = load(preset)
        place = self.found.single or self.found.folder
        names = [place.stem if self.found.single else place.name, *(one.name for one in [*place.parents][:2])]
        base = next((name for name in names if not _USUAL.match(name) and suggest_name(name, 23)), "model")
        short = suggest_name(base, 23).lower()
        self.set("description", f"{base}, a model of {what}")
        self.set("endpoint.name", f"{short}-endpoint")
        self.set("endpoint.description", None)
        self.set("endpoint.tags", {"model": what})
        self.set("deployment.model.name", f"{short}-model")
        self.notes.add(f"the endpoint's name {short}-endpoint", f"the name of {place}; Azure wants a unique one", False)
        kept = [f"{key.rpartition('.')[2]}: {self.document.get(key)}" for key in _KEPT if self.document.get(key)]
        rests_on = f"the preset {preset}; the environment names subscription, resource group and workspace"
        self.notes.add(", ".join(kept), rests_on, False)

    def set(self, key: str, value: Any) -> None:
        """Set a value of the plan; a path becomes a text."""
        self.document.set(key, str(value) if isinstance(value, Path) else value, "from the folder")

    def write(self, name: str, text: str) -> Path:
        """Write a file beside the plan, under the next free name if there is one of this name."""
        path = _free(self.plan.parent / name)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, text)
        self.written.append(path)
        return path

    def take_mlflow(self, model: ModelFolder) -> None:
        """A plan for a model of MLflow: without code where Azure can."""
        version = model.versions.get("mlflow", "of an unknown release")
        text = f"a model of MLflow {version}, flavour {model.flavour}: {model.path.name}"
        self.notes.add(text, model.mlmodel_path)
        if runtime := (model.mlmodel or {}).get("databricks_runtime"):
            python = model.versions.get("python", "of an unknown release")
            self.notes.add(f"it was saved on Databricks runtime {runtime}, with Python {python}", model.mlmodel_path)
        why = _needs_code(model, version)
        self.start("own-score" if why else "mlflow-xgboost", model.flavour or "MLflow")
        self.set("deployment.model.path", model.path)
        if why is None:
            text = "no code: Azure provides the script and builds the model's own environment"
            rests_on = "MLflow's format; where no package index can be reached: aml-deploy scoring"
            self.notes.add(text, rests_on, False)
            return self.take_request(_mlflow_sample(model))
        try:
            files = write_scoring_files.make(model)
        except write_scoring_files.NotMlflow as wrong:
            raise _refused(str(wrong), "Save it with a python_function flavour, or write a score.py.") from None
        self.notes.add("a scoring script and an environment are written", why, False)
        for text in files.notes:
            if "sample request" not in text:  # said below
                self.notes.add(text, model.mlmodel_path, False)
        self.take_code(self.write("onlinescoring/score.py", files.files["onlinescoring/score.py"]))
        self.set("deployment.environment.conda_file", self.write("conda.yml", files.files["conda.yml"]))
        return self.take_request(_mlflow_sample(model))

    def take_script(self, script: Path, place: Path | None, model: ModelFile | None, sample: Any) -> None:
        """A plan with a script for the model at a place."""
        self.take_code(script)
        if place is None:
            self.set("deployment.model", None)
        else:
            self.set("deployment.model.path", place)
        modules = [one.module for one in score_script.read(script.parent, script.name).imports]
        conda = environment.make(self.found, environment.needed(model), modules, script.parent, self.notes)
        self.set(
            "deployment.environment.conda_file", self.write("conda.yml", conda) if isinstance(conda, str) else conda
        )
        self.take_request(sample)

    def take_code(self, script: Path) -> None:
        """Set the scoring script."""
        self.set("deployment.code_configuration", {"code": str(script.parent), "scoring_script": script.name})

    def take_request(self, sample: Any) -> None:
        """Set the test request: the folder's own, or one with made-up values."""
        path = next(iter(self.found.requests), None)
        if path:
            self.notes.add(f"the sample request {path.name}", path)
        elif sample:
            path = self.write("sample-request.json", json.dumps(sample, indent=2, ensure_ascii=False) + "\n")
            self.notes.add("the sample request has made-up values", "the inputs that the model names", False)
        else:
            text = "there is no sample request: write one, and name it at test.request"
            self.notes.add(text, "neither folder nor model tell what a request is like", False)
        self.set("test.request", path)

    def name_others(self) -> None:
        """Note what else is there, and was not taken."""
        found, taken = self.found, Path(self.document.get("deployment.model.path") or self.plan)
        models = [*(one.path for one in found.mlflow), *(one.path for one in found.models)]
        for what, paths in (
            ("models", [path for path in models if path != taken and taken not in path.parents]),
            ("scoring scripts", found.scripts[1:]),
            ("conda files", found.conda_files[1:]),
            ("requests", found.requests[1:]),
            ("Dockerfiles", found.dockerfiles),
            ("plans", found.plans),
            ("files of az ml, which aml-deploy import takes", found.az_files),
        ):
            if paths:
                names = ", ".join(str(path.relative_to(found.folder)) for path in paths[:5])
                names += f" and {len(paths) - 5} more" if len(paths) > 5 else ""
                self.notes.add(f"not taken: {what}: {names}", "the usual name, and what lies higher, comes first")
        for text in found.unread[:3]:
            self.notes.add("a file could not be read", text, False)
        if not found.complete:
            self.notes.add(f"only the first {folder_contents.MOST} files were looked at", found.folder, False)


_KEPT = ("endpoint.public_network_access", "deployment.egress_public_network_access", "deployment.instance_type")


def _nothing(found: FolderContents) -> CloudError:
    for model in found.models:
        return _refused(
            f"{model.path.name} cannot be served by itself: {model.rests_on}, whose code is not in the file.",
            "Write a score.py with init() and run() beside it, and try again.",
        )
    for path in found.plans:
        return _refused(f"{path} is a plan already.", f"Open it: aml-deploy {path}.")
    for path in found.az_files:
        return _refused(f"{path} is a file of az ml.", f"Make a plan of it: aml-deploy import {path}.")
    where = f"{found.single or found.folder} has nothing to deploy. Looked for: {LOOKED_FOR}."
    return _refused(" ".join([where, *found.unread[:3]]), "Name the folder of a model.")


def _mlflow_sample(model: ModelFolder) -> Any:
    """A request by the model's example or signature, else by the model's file inside; None if none tells."""
    sample = write_scoring_files.sample_request(model)
    for path in sorted(model.path.iterdir()) if sample is None else ():
        inside = model_files.recognise(path) if path.is_file() else None
        columns: list[Any] = list(inside.inputs or range(inside.features or 0)) if inside else []
        if inside and columns:
            return model_folder.input_data([{name: inside.examples.get(name, 0.0) for name in columns}])
    return sample


def _needs_code(model: ModelFolder, version: str) -> str | None:
    """Why a model is not deployed without code; None if Azure can."""
    if "python_function" not in model.flavours:
        return "it has no python_function flavour"
    if "." in model.path.name:
        return "azure-ai-ml takes a folder with a dot in its name for a file (azure/ai/ml/_utils/utils.py, 1.35)"
    try:
        known = NO_CODE_FROM <= Version(version) < NO_CODE_BEFORE
    except InvalidVersion:
        return "its MLflow release is not known"
    return None if known else f"deployments of MLflow {version} without code are known or reported to fail"
