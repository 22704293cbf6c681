"""Reads what a pickle says of itself, without running any of it: its classes, and the versions that wrote them.

Every class and function in the pickle is replaced by a placeholder, which does nothing. Files of joblib are read too:
their arrays stand between the pickle's opcodes (joblib, `numpy_pickle.py`), and are skipped.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import pickle
import re
import time
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Callable, ClassVar, cast

SECONDS = 5.0
_LONGEST = 1 << 29  # bytes of one value, or of zlib's file: a small file can say that it has many more
_MOST_PARTS = 1000
_VERSION_KEYS = {
    "_sklearn_version": "scikit-learn",
    "_xgb_version": "xgboost",
    "_lgb_version": "lightgbm",
}
"""Keys under which objects keep a library's version; scikit-learn's own is in `BaseEstimator.__getstate__`."""


class NotAPickle(Exception):
    """The file is no pickle, or one that cannot be read without running it; the message says why."""


@dataclass
class PickleContents:
    """The classes of a pickle (`module.name` of the outermost), how often each package occurs, and known versions."""

    outermost: str = ""
    packages: Counter[str] = field(default_factory=Counter)
    classes: set[str] = field(default_factory=set)
    versions: dict[str, str] = field(default_factory=dict)
    features: int | None = None
    names: list[str] = field(default_factory=list)
    examples: dict[str, Any] = field(default_factory=dict)
    """A value with which the model was trained, by column, for columns of categories."""
    takes_texts: bool = False
    shapes: list[tuple[int, ...]] = field(default_factory=list)
    """The shapes of torch's tensors, in their order."""
    booster: bytes = b""
    """A model of XGBoost, as it is in its own files."""


def read(path: Path, seconds: float = SECONDS) -> PickleContents:
    """Read a pickle, a joblib file, or a file that torch saved, for at most about `seconds`.

    Raises NotAPickle; OSError if the file cannot be read.
    """
    found = PickleContents()
    ends = time.monotonic() + seconds
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            inside = next((name for name in archive.namelist() if name.endswith("/data.pkl")), None)
            if inside is None:
                raise NotAPickle("it is an archive without a pickle")
            with archive.open(inside) as stream:
                _load(stream, found, ends)  # type: ignore[arg-type]
        found.packages["torch"] += 1
        return found
    with path.open("rb") as file:
        _load(_decompressed(file), found, ends)
    return found


def _decompressed(file: BinaryIO) -> BinaryIO:
    start = file.read(6)
    file.seek(0)
    for magic, opened in _COMPRESSIONS:
        if start.startswith(magic):
            return cast(BinaryIO, opened(file))
    return file


def _inflated(file: BinaryIO) -> BinaryIO:
    return io.BytesIO(zlib.decompressobj().decompress(file.read(_LONGEST), _LONGEST))


_COMPRESSIONS: tuple[tuple[bytes, Callable[[BinaryIO], Any]], ...] = (
    (b"\x1f\x8b", lambda file: gzip.GzipFile(fileobj=file)),
    (b"BZh", bz2.BZ2File),
    (b"\xfd7zXZ", lzma.LZMAFile),
    (b"\x78", _inflated),
)


def _load(stream: BinaryIO, found: PickleContents, ends: float) -> None:
    try:
        made = _Reader(stream, found, ends).load()
    except NotAPickle:
        raise
    except Exception as error:  # whatever bytes that are no pickle lead to
        raise NotAPickle(f"its pickle cannot be followed ({type(error).__name__})") from None
    if isinstance(made, Placeholder):
        found.outermost = made.written_as
        # Attributes of the same names can be anything in other classes.
        with contextlib.suppress(TypeError, ValueError, AttributeError, RecursionError):
            _describe(made, found)


class Placeholder:
    """Stands for an object of any class: it keeps its state, and does nothing."""

    written_as = ""
    arguments: tuple[Any, ...]
    state: Any = None

    def __new__(cls, *arguments: Any, **named: Any) -> Placeholder:
        made = object.__new__(cls)
        made.arguments = arguments
        return made

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __setitem__(self, key: Any, value: Any) -> None:
        self.__dict__.setdefault("keys", []).append(key)

    def __hash__(self) -> int:
        return id(self)

    def append(self, items: Any) -> None:
        """Take an item, or several, of an object like a list or a set."""

    extend = add = append

    def get(self, name: str) -> Any:
        """An attribute in the state; None if it has none."""
        state = self.state[1] if isinstance(self.state, tuple) and len(self.state) == 2 else self.state
        return state.get(name) if isinstance(state, dict) else None


_Unpickler: Any = vars(pickle)["_Unpickler"]


class _Reader(_Unpickler):  # type: ignore[misc]
    """The standard library's unpickler in Python, whose classes are placeholders."""

    dispatch: ClassVar[dict[int, Any]] = dict(_Unpickler.dispatch)

    def __init__(self, stream: BinaryIO, found: PickleContents, ends: float) -> None:
        self._stream, self._found, self._ends = stream, found, ends
        super().__init__(self, encoding="latin1")
        self._made: dict[str, type[Placeholder]] = {}

    def read(self, size: int) -> bytes:
        """The next bytes of the file."""
        parts = []
        for at in range(0, size, 1 << 22):
            if time.monotonic() > self._ends or at > _LONGEST:
                raise NotAPickle("reading it takes too long")
            parts.append(self._stream.read(min(size - at, 1 << 22)))
            if not parts[-1]:
                break
        return b"".join(parts)

    def readline(self) -> bytes:
        """The next line of the file."""
        return self._stream.readline(_LONGEST)

    def find_class(self, module: str, name: str) -> Any:
        if name == "_reconstructor":  # of protocol 1: called with the class to make
            return lambda kind, *rest: kind() if isinstance(kind, type) else kind
        if name == "_rebuild_tensor_v2":  # torch's: storage, offset, shape, …
            return lambda *given: self._found.shapes.append(tuple(given[2]))
        written = f"{module}.{name}"
        self._found.packages[module.partition(".")[0]] += 1
        self._found.classes.add(written)
        if written not in self._made:
            self._made[written] = type(re.sub(r"\W", "_", name), (Placeholder,), {"written_as": written})
        return self._made[written]

    def persistent_load(self, pid: Any) -> Any:
        return None  # torch's tensors, which are in files of their own

    def get_extension(self, code: int) -> None:
        raise NotAPickle("it uses codes of its program's own")

    def load_build(self) -> None:
        state, made = self.stack[-1], self.stack[-2]
        if isinstance(state, dict):
            self._note(made, state)
        super().load_build()
        if isinstance(made, Placeholder) and made.written_as.endswith(".NumpyArrayWrapper"):
            self._skip_array(made)

    dispatch[pickle.BUILD[0]] = load_build

    def _note(self, made: Any, state: dict[Any, Any]) -> None:
        for key, package in _VERSION_KEYS.items():
            version = state.get(key)
            if isinstance(version, str):
                self._found.versions.setdefault(package, version)
        handle = state.get("handle")
        if isinstance(handle, Placeholder) and handle.arguments:  # bytearray, in older pickles
            handle = handle.arguments[0]
        if isinstance(handle, (bytes, bytearray)) and b"learner" in handle[:4096]:
            self._found.booster = bytes(handle)

    def _skip_array(self, wrapper: Placeholder) -> None:
        """Skip the bytes of an array of joblib, which follow its description (`NumpyArrayWrapper.read_array`)."""
        kind, shape = wrapper.get("dtype"), wrapper.get("shape") or ()
        code = str(kind.arguments[0]) if isinstance(kind, Placeholder) and kind.arguments else ""
        if code.startswith("O"):
            wrapper.state = {**wrapper.state, "loaded": _Reader(self._stream, self._found, self._ends).load()}
            return
        size = re.fullmatch(r"[a-zA-Z?](\d+)?", code)
        if not size:
            raise NotAPickle("it has an array of an unknown type")
        left = int(size[1] or 1) * (4 if code[0] == "U" else 1)
        for length in shape:
            left *= int(length)
        if wrapper.get("numpy_array_alignment_bytes") is not None:
            self._stream.read(self._stream.read(1)[0])
        while left > 0:
            taken = len(self._file_read(min(left, 1 << 22)))
            if not taken:
                raise NotAPickle("it is cut off")
            left -= taken


def _describe(made: Placeholder, found: PickleContents) -> None:
    """What an estimator of scikit-learn, or one with its interface, or a result of statsmodels takes."""
    best = made.get("best_estimator_")  # of a search
    if isinstance(best, Placeholder):
        return _describe(best, found)
    count = made.get("n_features_in_") or made.get("n_features_") or made.get("_n_features")
    if isinstance(count, int) and found.features is None:
        found.features = count
        found.names = found.names or _texts(made.get("feature_names_in_"))
    found.takes_texts = found.takes_texts or made.written_as.startswith("sklearn.feature_extraction.text.")
    for name, inner, columns in _parts(made):
        if name == "transformers_" and isinstance(columns, list):
            found.examples.update(zip(map(str, columns), _categories(inner)))
        elif name == "steps" and found.features is None and not found.takes_texts:
            _describe(inner, found)
    if made.written_as == "prophet.forecaster.Prophet":
        regressors = [str(key) for key in vars(made.get("extra_regressors") or made).get("keys", ())]
        found.names = ["ds", *regressors, *(["cap"] if made.get("growth") == "logistic" else [])]
        found.examples.update(ds="2026-01-31", cap=1.0)
    model = getattr(made.get("_results"), "state", None) or {}
    model = model.get("model") if isinstance(model, dict) else None
    if isinstance(model, Placeholder):
        _of_statsmodels(model, found)
    return None


def _of_statsmodels(model: Placeholder, found: PickleContents) -> None:
    """The columns of a result's model: those in its formula, or of its exogenous variables."""
    data, exogenous, formula = model.get("data"), model.get("exog"), model.get("formula")
    if isinstance(formula, str):
        found.names = list(dict.fromkeys(re.findall(r"[A-Za-z_]\w*(?![\w(.])", formula.partition("~")[2])))
    elif isinstance(data, Placeholder):
        found.names = _first_texts(data.get("orig_exog"))
    shape = exogenous.arguments[2] if isinstance(exogenous, Placeholder) and len(exogenous.arguments) > 2 else ()
    found.features = len(found.names) or (shape[-1] if isinstance(shape, tuple) and shape else None)


def _first_texts(value: Any) -> list[str]:
    """The first array of texts in a table of pandas, which are the names of its columns."""
    left = [value]
    for _ in range(_MOST_PARTS):
        one = left.pop() if left else None
        if isinstance(one, Placeholder):
            if texts := _texts(one):
                return texts
            one = [*one.arguments, one.state]
        left += reversed(list(one.values()) if isinstance(one, dict) else one if isinstance(one, (list, tuple)) else ())
    return []


def _parts(made: Placeholder) -> list[tuple[str, Placeholder, Any]]:
    """The first step of a pipeline, and each transformer of a ColumnTransformer with its columns."""
    steps, transformers = made.get("steps"), made.get("transformers_")
    parts = [("steps", step) for step in (steps[:1] if isinstance(steps, list) else [])]
    parts += [("transformers_", one) for one in (transformers if isinstance(transformers, list) else [])]
    return [(name, one[1], one[2] if len(one) > 2 else None) for name, one in parts
            if isinstance(one, tuple) and len(one) > 1 and isinstance(one[1], Placeholder)]  # fmt: skip


def _categories(encoder: Placeholder) -> list[Any]:
    """The first category of each column of an encoder, or of the encoder in a pipeline."""
    steps = encoder.get("steps")
    for step in steps if isinstance(steps, list) else []:
        inner = step[1] if isinstance(step, tuple) and len(step) == 2 else None
        if isinstance(inner, Placeholder) and (found := _categories(inner)):
            return found
    categories = encoder.get("categories_")
    texts = [_texts(one) for one in categories] if isinstance(categories, list) else []
    return [one[0] for one in texts] if all(texts) else []


def _texts(array: Any) -> list[str]:
    """The texts of a numpy array of objects: a pickled one has the list last in its state (`ndarray.__reduce__`)."""
    array = (array.get("loaded") or array) if isinstance(array, Placeholder) else array
    state = array.state if isinstance(array, Placeholder) else None
    last = state[-1] if isinstance(state, tuple) and state else None
    return last if isinstance(last, list) and all(isinstance(item, str) for item in last) else []
