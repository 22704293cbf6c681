"""Recognises files of models by their content: the library that wrote them, its version, and their inputs.

Nothing is executed, and no library of models is imported: each format is read as its documentation describes it.
"""

from __future__ import annotations

import json
import math
import re
import zipfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Callable, Union

from tui.checks.model import catboost_file, onnx_file, pickle_contents
from tui.checks.model.pickle_contents import NotAPickle
from tui.checks.scoring import module_packages
from tui.common.conda_file import canonical
from tui.common.regular_file import json_object, read_regular
from tui.common.terminal_text import without_controls

_HEAD = 512 * 1024  # bytes that are searched for a version
_JSON = 64 * 1024 * 1024  # of a larger file of JSON, or part of an archive, nothing but the start is read
_WIDEST = 1_000_000  # numbers in a row; a damaged file can name any
_PACKAGE, _VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*"), re.compile(r"[0-9][\w.+!-]*")


@dataclass(frozen=True)
class ModelFile:
    """A model: the file or folder, `kind` (how it is loaded), its package on PyPI, and what tells that.

    `version` is empty if the file does not tell; `inputs` are the names of the columns or tensors as far as it tells.
    """

    path: Path
    kind: str
    package: str
    version: str = ""
    rests_on: str = ""
    inputs: tuple[str, ...] = ()
    features: int | None = None
    task: str = ""
    also: dict[str, str] = field(default_factory=dict)
    """Other packages that are needed to load it, with their versions."""
    examples: dict[str, Any] = field(default_factory=dict)
    """Values for inputs that are not numbers."""
    shape: tuple[int, ...] = ()
    """The shape of one row, as far as the file tells."""


def recognise(path: Path) -> ModelFile | None:
    """The model in a file, or in a folder that is one (SavedModel, transformers, spaCy); None if it is none.

    Raises OSError if it cannot be read, ValueError if it begins as a model and goes on as something else.
    """
    looks = _FOLDERS if path.is_dir() else _FILES.get(path.suffix.lower(), ()) if path.is_file() else ()
    try:
        model = next(filter(None, (look(path) for look in looks)), None)
    except OSError:
        raise
    except Exception as error:  # whatever a file that is damaged, or made to do harm, leads its reader to
        raise ValueError(f"it is damaged ({type(error).__name__})") from None
    if model is None or not _PACKAGE.fullmatch(model.package):
        return None  # names in a pickle can be any text, and this one goes into a script
    version = model.version if _VERSION.fullmatch(model.version) else ""
    shape, features = (wide if math.prod(wide) <= _WIDEST else () for wide in (model.shape, (model.features or 0,)))
    told = without_controls(model.rests_on)
    return replace(model, version=version, rests_on=told, shape=shape, features=sum(features) or None)


def _pickled(path: Path) -> ModelFile | None:
    try:
        found = pickle_contents.read(path)
    except NotAPickle:
        return None
    module = found.outermost.partition(".")[0]
    versions, told = found.versions, f"{path.name} has an object of the class {found.outermost}"
    if not module or module in module_packages.standard_library():
        if not found.packages.get("torch"):
            return None
        return ModelFile(path, "torch-state", "torch", rests_on=f"{path.name} has the weights of torch without a class")
    kind, package = _PICKLED.get(module, ("pickle", canonical(module)))
    near = [*path.parents][:2]  # Python 3.9 takes no slice of it
    own = [one for one in found.packages if one in ("__main__", "__mp_main__")
           or any((place / name).exists() for place in near for name in (f"{one}.py", f"{one}/__init__.py"))
    ]  # fmt: skip
    if own:
        kind, package, told = "own", "own", f"{told}, with classes of the module {own[0]}"
    elif module not in _PICKLED:
        told = f"{told}, whose package is taken to have that name"
    elif found.packages.get("torch"):
        kind, package = "torch", "torch"
    also = {_PICKLED.get(name, ("", name))[1]: "" for name in found.packages if name in _PICKLED and name != module}
    also = {name: versions.get(name, "") for name in also if name != package}
    if "numpy" in also and any(name.startswith("numpy._core") for name in found.classes):
        also["numpy"] = ">=2"  # the modules' name since 2.0 (NumPy, migration guide)
    if found.outermost.startswith(("xgboost.sklearn", "lightgbm.sklearn")):
        also.setdefault("scikit-learn", versions.get("scikit-learn", ""))
    version, names, features = versions.get(package, ""), tuple(found.names), found.features
    if found.booster:
        version, _, names, features = _learner(found.booster, found.booster, "")
    task = "texts" if found.takes_texts else ""
    return ModelFile(path, kind, package, version, told, names, features, task, also, found.examples,
                     _row(found.shapes))  # fmt: skip


def _row(shapes: list[tuple[int, ...]]) -> tuple[int, ...]:
    """The shape of a row, by the first weights: of a linear layer, or of a convolution of images."""
    first = next((shape for shape in shapes if len(shape) > 1), ())
    return first[1:] if len(first) == 2 else (first[1], 224, 224) if len(first) == 4 else ()


_PICKLED = {
    "sklearn": ("sklearn", "scikit-learn"),
    "xgboost": ("pickle", "xgboost"),
    "lightgbm": ("pickle", "lightgbm"),
    "catboost": ("pickle", "catboost"),
    "imblearn": ("sklearn", "imbalanced-learn"),
    "statsmodels": ("statsmodels", "statsmodels"),
    "prophet": ("prophet-pickle", "prophet"),
    "torch": ("torch", "torch"),
    "pandas": ("pickle", "pandas"),
    "numpy": ("pickle", "numpy"),
    "scipy": ("pickle", "scipy"),
}
"""How an object of a package is loaded, and the package's name on PyPI."""


def _torch(path: Path) -> ModelFile | None:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
        if any("/code/" in name for name in names):
            told = f"{path.name} is a TorchScript archive"
            try:
                return ModelFile(path, "torchscript", "torch", "", told, shape=_row(pickle_contents.read(path).shapes))
            except NotAPickle:
                return ModelFile(path, "torchscript", "torch", "", told)
    return _pickled(path)


def _xgboost(path: Path) -> ModelFile | None:
    head = _start(path)
    if b"learner" not in head:
        return None
    return ModelFile(path, "xgboost", "xgboost", *_learner(head, _end(path), f"{path.name} has XGBoost's learner"))


def _learner(head: bytes, tail: bytes, told: str) -> tuple[str, str, tuple[str, ...], int | None]:
    """Version, `told`, names and number of features of XGBoost's JSON or UBJSON (XGBoost, model schema)."""
    found = re.search(rb'"version"\s*:\s*\[(\d+),\s*(\d+),\s*(\d+)\]', tail)
    version = b".".join(found.groups()).decode() if found else _ubj_version(tail)
    names = re.search(rb'"feature_names"\s*:\s*(\[[^\]]*\])', head)
    inputs = tuple(map(str, json.loads(names[1]))) if names else _ubj_texts(head, b"feature_names")
    count = re.search(rb'num_feature(?:"\s*:\s*"|S(?:L.{8}|[iU].))(\d+)', tail, re.DOTALL)
    return version, told, inputs, int(count[1]) if count else len(inputs) or None


def _ubj_texts(data: bytes, key: bytes) -> tuple[str, ...]:
    """The list of texts at a key of UBJSON, as XGBoost writes it: all lengths have eight bytes."""
    _, there, rest = data.partition(key + b"[#L")
    texts, at = [], 8
    for _ in range(int.from_bytes(rest[:8], "big") if there else 0):
        length = int.from_bytes(rest[at + 2 : at + 10], "big")
        texts.append(rest[at + 10 : at + 10 + length].decode("utf-8", "replace"))
        at += 10 + length
        if at >= len(rest):
            return ()
    return tuple(texts)


def _ubj_version(tail: bytes) -> str:
    at = tail.rfind(b"version")
    numbers = [tail[place + 1] for place in range(at, min(at + 24, len(tail) - 1)) if tail[place : place + 1] in b"iU"]
    return ".".join(map(str, numbers[-3:])) if at >= 0 and len(numbers) >= 3 else ""


def _json(path: Path) -> ModelFile | None:
    """XGBoost or Prophet: both write JSON."""
    head = _start(path)
    if b"__prophet_version" in head or b"__prophet_version" in _end(path):
        found = re.search(rb'"__prophet_version"\s*:\s*"([^"]+)"', head + _end(path))
        version = found[1].decode() if found else ""
        more = json.loads(path.read_bytes()) if path.stat().st_size <= _JSON else {}
        columns = ("ds", *(more.get("extra_regressors") or ([], {}))[1], *("cap",) * (more.get("growth") == "logistic"))
        return ModelFile(path, "prophet", "prophet", version, f"{path.name} has Prophet's version", columns,
                         examples={"ds": "2026-01-31", "cap": 1.0})  # fmt: skip
    return _xgboost(path)


def _lightgbm(path: Path) -> ModelFile | None:
    """LightGBM's text begins with `tree` and has the names of the features (LightGBM, `GBDT::SaveModelToString`)."""
    head = _start(path).decode("utf-8", "replace")
    if not head.startswith("tree\n") or "feature_names=" not in head:
        return None
    names = re.search(r"^feature_names=(.*)$", head, re.MULTILINE)
    inputs = tuple(names[1].split()) if names else ()
    own = () if all(re.match(r"Column_\d+$", name) for name in inputs) else inputs
    return ModelFile(path, "lightgbm", "lightgbm", "", f"{path.name} has LightGBM's trees", own, len(inputs) or None)


def _catboost(path: Path) -> ModelFile | None:
    head = _start(path)
    if not head.startswith(b"CBM1"):
        return None
    # The build's own description, in the map of what else is known (`catboost_version_info`).
    found = re.search(rb"Branch: tags/v(\d+\.\d+(?:\.\d+)?)", head + _end(path))
    features = catboost_file.features(path)
    own = () if all(name.isdigit() for name in features) else tuple(features)
    version, told = found[1].decode() if found else "", f"{path.name} begins with CBM1"
    texts = {name: "a" for name, category in features.items() if category}
    return ModelFile(path, "catboost", "catboost", version, told, own, len(features) or None, examples=texts)


def _onnx(path: Path) -> ModelFile | None:
    try:
        found = onnx_file.read(path)
    except onnx_file.NotOnnx:
        return None
    told = f"{path.name} has a graph of ONNX, opset {found.opset}, written by {found.producer or 'an unnamed program'}"
    shapes = list(found.inputs.values())
    row = tuple(abs(length) for length in shapes[0][1:]) if len(shapes) == 1 else ()
    texts = {name: "text" for name, kind in found.types.items() if kind == _ONNX_TEXT}
    return ModelFile(path, "onnx", "onnxruntime", "", told, tuple(found.inputs), examples=texts, shape=row)


_ONNX_TEXT = 8  # TensorProto.DataType.STRING


def _keras(path: Path) -> ModelFile | None:
    """Keras 3's archive, or HDF5. Keras 2 is a part of TensorFlow of the same release."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            parts = {name: archive.open(name).read(_JSON) for name in archive.namelist() if name in _OF_KERAS}
        if "metadata.json" not in parts:
            return None
        config, told = parts.get("config.json", b""), f"metadata.json in {path.name}"
        version = str(json.loads(parts["metadata.json"]).get("keras_version") or "")
    else:
        config, told = _start(path), f"{path.name} is a HDF5 file of Keras"
        if not config.startswith(b"\x89HDF"):
            return None
        found = re.search(rb"keras_version.{0,200}?(\d+\.\d+\.\d+)", config + _end(path), re.DOTALL)
        version = found[1].decode() if found else ""
    old = version.startswith("2.")
    also = {"tensorflow": f"=={version.rpartition('.')[0]}.*" if old else ""}
    return ModelFile(path, "keras", "keras", version, told, also=also, shape=_keras_row(config))


_OF_KERAS = ("config.json", "metadata.json")


def _keras_row(config: bytes) -> tuple[int, ...]:
    """The shape of a row: of the first layer's input, without the number of rows."""
    found = re.search(rb'"(?:batch_input_shape|batch_shape|input_shape)": \[null, ([\d, ]+)\]', config)
    return tuple(int(length) for length in found[1].split(b",")) if found else ()


def _saved_model(folder: Path) -> ModelFile | None:
    path = folder / "saved_model.pb"
    if not path.is_file():
        return None
    # A text of protocol buffers: a tag, its length, and the version (tensorflow/core/protobuf/meta_graph.proto).
    found = re.search(rb"\x2a(.)(\d+\.\d+\.\d+[\w.+-]*)\x32", _start(path), re.DOTALL)
    version = found[2][: found[1][0]].decode() if found else ""
    return ModelFile(folder, "tensorflow", "tensorflow", version, f"{folder.name} has saved_model.pb")


def _transformers(folder: Path) -> ModelFile | None:
    told = _dictionary(folder / "config.json")
    if told is None or not ("architectures" in told or "transformers_version" in told):
        return None
    kind = str((told.get("architectures") or [""])[0])
    task = next((task for word, task in _TASKS if word in kind), "")
    version = str(told.get("transformers_version") or "")
    return ModelFile(folder, "transformers", "transformers", version, f"config.json names {kind}", task=task,
                     also={"torch": ""})  # fmt: skip


_TASKS = (
    ("ForSequenceClassification", "text-classification"),
    ("ForTokenClassification", "token-classification"),
    ("ForQuestionAnswering", "question-answering"),
    ("ForMaskedLM", "fill-mask"),
    ("ForCausalLM", "text-generation"),
    ("LMHeadModel", "text-generation"),
    ("ForConditionalGeneration", "text2text-generation"),
    ("ForImageClassification", "image-classification"),
)
"""The pipeline for a class of models (transformers, `AutoModelFor…`)."""


def _spacy(folder: Path) -> ModelFile | None:
    told = _dictionary(folder / "meta.json")
    if told is None or "spacy_version" not in told:
        return None
    found = re.search(r"\d+\.\d+\.\d+", str(told["spacy_version"]))
    return ModelFile(folder, "spacy", "spacy", found[0] if found else "", "meta.json has spacy_version")


_Looks = tuple[Callable[[Path], Union[ModelFile, None]], ...]
_FOLDERS: _Looks = (_saved_model, _transformers, _spacy)
_FILES: dict[str, _Looks] = {suffix: (look,) for look, suffixes in (
    (_pickled, ".pkl .pickle .joblib .sav"), (_torch, ".bin .pt .pth"), (_json, ".json"), (_xgboost, ".ubj"),
    (_lightgbm, ".txt .lgb"), (_catboost, ".cbm"), (_onnx, ".onnx"), (_keras, ".keras .h5 .hdf5"),
) for suffix in suffixes.split()}  # fmt: skip


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD)


def _end(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _HEAD))
        return file.read(_HEAD)


def _dictionary(path: Path) -> dict[str, Any] | None:
    try:
        return json_object(read_regular(path))
    except (OSError, ValueError):
        return None
