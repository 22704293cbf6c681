"""Files of models as their libraries write them, made without these libraries."""

from __future__ import annotations

import json
import pickle
import struct
import sys
import types
import zipfile
from pathlib import Path
from typing import Any


def instance(written: str, state: Any) -> Any:
    """An object of a class that is called `module.Name` in a pickle."""
    module, _, name = written.rpartition(".")
    made = object.__new__(type(name, (), {"__module__": module}))
    made.__dict__.update(state)
    return made


def array(*texts: str) -> Any:
    """A numpy array of texts, as it is pickled: the list is the last of its state."""
    kind = type("ndarray", (), {"__module__": "arrays", "__reduce__": lambda own: (type(own), (), own.state)})
    kind.__setstate__ = lambda own, state: None  # type: ignore[attr-defined]
    made = kind()
    made.state = (1, (len(texts),), None, False, list(texts))  # type: ignore[attr-defined]
    return made


def write_pickle(path: Path, made: Any, *others: Any) -> Path:
    """Pickle an object; its classes, and those of the `others` in it, exist only while it is written."""
    before = dict(sys.modules)
    for kind in {type(one) for one in (made, *others)}:
        parts = kind.__module__.split(".")
        for name in (".".join(parts[: count + 1]) for count in range(len(parts))):
            module = sys.modules.setdefault(name, types.ModuleType(name))
        setattr(module, kind.__name__, kind)
    try:
        path.write_bytes(pickle.dumps(made))
    finally:
        for name in set(sys.modules) - set(before):
            del sys.modules[name]
    return path


def pipeline(path: Path, version: str = "1.6.1") -> Path:
    """A pickled pipeline of scikit-learn with two columns, one of them of categories."""
    names, categories = array("age", "country"), array("DE", "FR")
    encoder = instance("sklearn.preprocessing._encoders.OneHotEncoder", {"categories_": [categories]})
    columns = {"transformers_": [("one", encoder, ["country"])], "n_features_in_": 2, "feature_names_in_": names,
               "_sklearn_version": version}  # fmt: skip
    first = instance("sklearn.compose._column_transformer.ColumnTransformer", columns)
    whole = {"steps": [("first", first)], "_sklearn_version": version}
    made = instance("sklearn.pipeline.Pipeline", whole)
    # Both arrays are of one class, or the pickle could not name it.
    categories.__class__ = type(names)
    return write_pickle(path, made, first, encoder, names)


def xgboost_json(path: Path) -> Path:
    learner = {"feature_names": ["age", "balance"], "learner_model_param": {"num_feature": "2"}}
    path.write_text(json.dumps({"learner": learner, "version": [2, 1, 4]}))
    return path


def xgboost_ubj(path: Path) -> Path:
    def text(given: str) -> bytes:
        return b"L" + struct.pack(">q", len(given)) + given.encode()

    names = b"[#L" + struct.pack(">q", 2) + b"".join(b"S" + text(name) for name in ("age", "balance"))
    learner = b"{" + text("feature_names") + names + text("num_feature") + b"S" + text("2") + b"}"
    version = b"[#L" + struct.pack(">q", 3) + b"i\x02i\x01i\x04"
    path.write_bytes(b"{" + text("learner") + learner + text("version") + version + b"}")
    return path


def lightgbm(path: Path, names: str = "age balance") -> Path:
    path.write_text(f"tree\nversion=v4\nnum_class=1\nfeature_names={names}\nfeature_infos=[0:1] [0:1]\n")
    return path


def catboost(path: Path) -> Path:
    """A number called age, and a category called country."""
    data = bytearray(4)

    def table(*fields: tuple[int, int]) -> dict[int, int]:
        """A table with four bytes for each (field, value); returns the place of each field, and at -1 its own."""
        vtable, size = len(data), 4 + 2 * (max(number for number, _ in fields) + 1)
        slots = {number: 4 + 4 * place for place, (number, _) in enumerate(fields)}
        offsets = [slots.get(number, 0) for number in range((size - 4) // 2)]
        data.extend(struct.pack(f"<HH{len(offsets)}H", size, 4 + 4 * len(fields), *offsets))
        at = len(data)
        data.extend(struct.pack(f"<i{len(fields)}i", at - vtable, *(value for _, value in fields)))
        return {-1: at, **{number: at + slots[number] for number, _ in fields}}

    def point(place: int, target: int) -> None:
        struct.pack_into("<I", data, place, target - place)

    def text(place: int, given: str) -> None:
        point(place, len(data))
        data.extend(struct.pack("<I", len(given)) + given.encode())

    core = table((1, 0))
    point(0, core[-1])
    trees = table((4, 0), (5, 0))
    point(core[1], trees[-1])
    for field, index, name_at, name in ((5, (2, 0), 4, "age"), (4, (1, 1), 2, "country")):
        point(trees[field], len(data))
        data.extend(struct.pack("<II", 1, 0))
        place = len(data) - 4
        feature = table(index, (name_at, 0))
        point(place, feature[-1])
        text(feature[name_at], name)
    data.extend(b"Branch: tags/v1.2.10\n")
    path.write_bytes(b"CBM1" + struct.pack("<I", len(data)) + data)
    return path


def onnx(path: Path) -> Path:
    """One input `X` of four numbers, opset 17."""

    def field(number: int, value: bytes | int) -> bytes:
        if isinstance(value, int):
            return bytes([number << 3, value])
        return bytes([number << 3 | 2, len(value)]) + value

    shape = field(1, field(2, b"batch")) + field(1, field(1, 4))
    tensor = field(1, 1) + field(2, shape)
    graph = field(11, field(1, b"X") + field(2, field(1, tensor)))
    path.write_bytes(field(1, 8) + field(2, b"skl2onnx") + field(7, graph) + field(8, field(2, 17)))
    return path


def keras(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.8.0"}))
        archive.writestr("config.json", json.dumps({"layers": [{"config": {"batch_shape": [None, 4]}}]}))
    return path


def torchscript(path: Path) -> Path:
    """An archive whose first weight takes three numbers."""
    tensor = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(NK\x00K\x05K\x03\x86K\x03K\x01\x86\x89NtR."
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/data.pkl", tensor)
        archive.writestr("model/code/__torch__.py", "class Net(Module): pass")
    return path


def transformers(folder: Path) -> Path:
    folder.mkdir()
    told = {"architectures": ["BertForSequenceClassification"], "transformers_version": "4.46.1"}
    (folder / "config.json").write_text(json.dumps(told))
    return folder


def spacy(folder: Path) -> Path:
    folder.mkdir()
    (folder / "meta.json").write_text(json.dumps({"lang": "en", "spacy_version": ">=3.8.7,<3.9.0"}))
    return folder


def prophet(path: Path) -> Path:
    told = {"growth": "logistic", "extra_regressors": [["promo"], {"promo": {}}], "__prophet_version": "1.1.5"}
    path.write_text(json.dumps(told))
    return path


def statsmodels(path: Path) -> Path:
    """A result of a formula."""
    data = instance("statsmodels.base.data.PandasData", {})
    model = instance("statsmodels.regression.linear_model.OLS", {"data": data, "formula": "y ~ np.log(age) + C(kind)"})
    result = instance("statsmodels.regression.linear_model.OLSResults", {"model": model})
    wrapper = instance("statsmodels.regression.linear_model.RegressionResultsWrapper", {"_results": result})
    return write_pickle(path, wrapper, result, model, data)
