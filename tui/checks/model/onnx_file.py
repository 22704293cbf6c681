"""Reads the description in an ONNX file: its producer, opset and inputs.

The file is a message of protocol buffers (onnx/onnx.proto). Weights are skipped by their length, never read.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Union

_IR_VERSION, _PRODUCER, _PRODUCER_VERSION, _GRAPH, _OPSETS = 1, 2, 3, 7, 8  # ModelProto
_INITIALIZERS, _INPUTS = 5, 11  # GraphProto
_NAME, _TYPE = 1, 2  # ValueInfoProto
_MOST = 1_000_000  # fields of a message: another file may seem to have more than can be waited for
Value = Union[int, memoryview]


class NotOnnx(Exception):
    """The file is no model of ONNX."""


@dataclass
class OnnxFile:
    """What a model says of itself: each input with its shape (-1 for a free length) and the number of its type."""

    ir_version: int = 0
    producer: str = ""
    opset: int = 0
    inputs: dict[str, tuple[int, ...]] = field(default_factory=dict)
    types: dict[str, int] = field(default_factory=dict)


def read(path: Path) -> OnnxFile:
    """Read a model's description. Raises NotOnnx; OSError if the file cannot be read."""
    found = OnnxFile()
    with path.open("rb") as file:
        try:
            # Not closed here: its parts are in use until the last of them is forgotten.
            _model(memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)), found)
        except (ValueError, IndexError, KeyError, TypeError, UnicodeDecodeError):  # an empty file, or other bytes
            raise NotOnnx from None
    if not found.ir_version or not found.opset:
        raise NotOnnx
    return found


def _model(view: memoryview, found: OnnxFile) -> None:
    producer, version, graphs = "", "", []
    for number, value in _fields(view):
        if number == _IR_VERSION and isinstance(value, int):
            found.ir_version = value
        elif number == _PRODUCER:
            producer = _text(value)
        elif number == _PRODUCER_VERSION:
            version = _text(value)
        elif number == _OPSETS:
            inside = dict(_fields(_message(value)))
            if not _text(inside.get(1, memoryview(b""))):  # the standard operators have no domain
                found.opset = int(inside.get(2, 0))
        elif number == _GRAPH:
            graphs.append(_message(value))
    found.producer = f"{producer} {version}".strip()
    for graph in graphs:
        weights: set[str] = set()
        for number, value in _fields(graph):
            if number == _INPUTS:
                _input(_message(value), found)
            elif number == _INITIALIZERS:
                weights |= {_text(inner) for part, inner in _fields(_message(value)) if part == 8}
        for name in weights & set(found.inputs):
            del found.inputs[name]


def _input(view: memoryview, found: OnnxFile) -> None:
    parts = dict(_fields(view))
    name = _text(parts[_NAME])
    tensor = dict(_fields(_message(dict(_fields(_message(parts[_TYPE]))).get(1, memoryview(b"")))))
    lengths = []
    for _, dimension in _fields(_message(tensor.get(2, memoryview(b"")))):
        length = dict(_fields(_message(dimension))).get(1, -1)
        lengths.append(length if isinstance(length, int) else -1)
    found.inputs[name] = tuple(lengths)
    found.types[name] = int(tensor.get(1, 0))


def _fields(view: memoryview) -> Iterator[tuple[int, Value]]:
    """The numbers and values of a message's fields. Raises ValueError or IndexError for other bytes."""
    at = 0
    for _ in range(_MOST):
        if at >= len(view):
            return
        key, at = _varint(view, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = _varint(view, at)
            yield number, value
        elif kind == 2:
            length, at = _varint(view, at)
            if at + length > len(view):
                raise ValueError
            yield number, view[at : at + length]
            at += length
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        else:
            raise ValueError


def _varint(view: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = view[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError


def _message(value: Value) -> memoryview:
    if isinstance(value, int):
        raise ValueError
    return value


def _text(value: Value) -> str:
    return str(_message(value), "utf-8")
