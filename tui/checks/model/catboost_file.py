"""Reads the features of CatBoost's model, a flatbuffer (catboost/libs/model/flatbuffers, model.fbs, features.fbs)."""

from __future__ import annotations

import struct
from pathlib import Path

_TREES = 1  # TModelCore.ModelTrees
_CATEGORIES, _NUMBERS = 4, 5  # TModelTrees: CatFeatures, FloatFeatures
_INDEX, _NAME = {_CATEGORIES: 1, _NUMBERS: 2}, {_CATEGORIES: 2, _NUMBERS: 4}  # FlatIndex, FeatureId/StringId
_LONGEST = 1 << 30  # bytes


def features(path: Path) -> dict[str, bool]:
    """The names of the features in their order, and whether each is a category; a nameless one has its number.

    Empty if the file cannot be followed. Raises OSError.
    """
    with path.open("rb") as file:
        data = file.read(_LONGEST)[8:]  # CBM1, and a length
    try:
        trees = _field(data, _number(data, 0, "I"), _TREES)
        trees += _number(data, trees, "I")
        found = {}
        for kind in (_NUMBERS, _CATEGORIES):
            at = _field(data, trees, kind)
            if not at:
                continue
            at += _number(data, at, "I")
            for place in range(at + 4, at + 4 + 4 * _number(data, at, "I"), 4):
                table = place + _number(data, place, "I")
                index = _field(data, table, _INDEX[kind])
                index = _number(data, index, "i") if index else 0
                name = _field(data, table, _NAME[kind])
                found[index] = (_text(data, name) if name else "") or str(index), kind == _CATEGORIES
        return dict(found[index] for index in sorted(found))
    except (struct.error, UnicodeDecodeError):
        return {}


def _number(data: bytes, at: int, kind: str) -> int:
    return int(struct.unpack_from(f"<{kind}", data, at)[0])


def _field(data: bytes, table: int, number: int) -> int:
    """The place of a field of a table; 0 if it has none."""
    described = table - _number(data, table, "i")
    place = 4 + 2 * number
    offset = _number(data, described + place, "H") if place < _number(data, described, "H") else 0
    return table + offset if offset else 0


def _text(data: bytes, at: int) -> str:
    at += _number(data, at, "I")
    return data[at + 4 : at + 4 + _number(data, at, "I")].decode()
