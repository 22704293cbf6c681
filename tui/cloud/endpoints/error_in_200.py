"""Detects errors in responses with status 200: many scoring scripts catch an exception and return its text."""

from __future__ import annotations

import json
import re
from typing import Any

# "ValueError: could not convert …": a class name that ends in Error or Exception, a colon, and words.
_EXCEPTION = re.compile(r"^(?:[A-Za-z_][\w.]*\.)?[A-Z]\w*(?:Error|Exception)\b(?:\(|\s*:\s*\S)")
_TRACEBACK = "Traceback (most recent call last)"
# What str(exception) looks like without its class, in phrases that no prediction contains.
_TEXTS = (
    re.compile(r"^['\"]?\w+['\"]? object has no attribute "),
    re.compile(r"^name '\w+' is not defined$"),
    re.compile(r"^could not convert string to float"),
    re.compile(r"^(?:local|global) variable '\w+' referenced before assignment"),
    re.compile(r"^(?:list|string|tuple) ind(?:ex|ices) (?:out of range|must be)"),
    re.compile(r"^No module named '"),
    re.compile(r"^\[Errno \d+\]"),
    re.compile(r"^feature_names mismatch"),
    re.compile(r"^Feature shape mismatch"),
    re.compile(r"^The feature names should match"),
    re.compile(r"^X has \d+ features, but \w+ is expecting"),
    re.compile(r"^Expecting (?:value|property name|',' delimiter)"),
    re.compile(r"^\w+\(\) (?:missing|takes|got) .*argument"),
    re.compile(r"^\"?\[?.*\]? not (?:in index|found in axis)"),
)
_ERROR_KEYS = ("error", "errors", "exception", "traceback")


def error_in_200(text: str) -> str | None:
    """A sentence about the error in a response, or None if it looks like a prediction.

    Conservative: a field called error that is empty, false or a number (an error of 0.12) is a prediction, and so is
    an object that also carries predictions.
    """
    stripped = text.strip()
    if not stripped:
        return None
    if stripped.startswith(_TRACEBACK) or _looks_like_error(stripped):
        return _note(stripped)
    try:
        value = json.loads(stripped)
        # If a script calls json.dumps and the server encodes the result again, the response is a string of JSON.
        if isinstance(value, str) and value.strip()[:1] in {"{", "["}:
            value = json.loads(value)
    except (ValueError, RecursionError):  # the latter for deep nesting
        return None
    found = _error_of(value)
    return _note(found) if found else None


def _error_of(value: Any) -> str | None:
    if isinstance(value, str):
        return value if _TRACEBACK in value or _looks_like_error(value.strip()) else None
    if isinstance(value, list):
        return _error_of(value[0]) if len(value) == 1 and isinstance(value[0], (str, dict)) else None
    if not isinstance(value, dict):
        return None
    lowered = {str(key).lower(): key for key in value}
    for name in _ERROR_KEYS:
        if name in lowered:
            said = value[lowered[name]]
            others = [key for key in value if str(key).lower() not in _COMPANIONS]
            if _speaks(said) and not others:
                return said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
    if "status" in lowered and str(value[lowered["status"]]).lower() in _FAILED:
        rest = {key: said for key, said in value.items() if key != lowered["status"]}
        texts = [said for said in rest.values() if isinstance(said, str) and said.strip()]
        results = [said for key, said in rest.items() if key.lower() not in _COMPANIONS and not isinstance(said, str)]
        told = [said for key, said in rest.items() if key.lower() in _COMPANIONS and said in texts]
        if told or (texts and not any(said is not None for said in results)):
            return " ".join(texts)
    if len(value) == 1:
        only = next(iter(value.values()))
        return only if isinstance(only, str) and _error_of(only) else None
    return None


_FAILED = ("error", "fail", "failed", "failure")
# Fields that accompany an error; an object with any other field is considered a prediction.
_COMPANIONS = {*_ERROR_KEYS, "message", "detail", "details", "status", "code", "type", "status_code", "statuscode"}


def _speaks(said: Any) -> bool:
    """Whether a value can describe an error: text, or a list or object that is not empty."""
    if isinstance(said, str):
        return bool(said.strip()) and said.strip().lower() not in {"none", "null", "false", "no", "ok", "0"}
    return isinstance(said, (dict, list)) and bool(said)


def _looks_like_error(text: str) -> bool:
    return bool(_EXCEPTION.match(text)) or any(pattern.match(text) for pattern in _TEXTS)


def _note(said: str) -> str:
    short = said.strip().splitlines()[-1 if said.strip().startswith(_TRACEBACK) else 0][:200]
    return f"The status is 200, but the body is an error text, not a prediction: {short}"
