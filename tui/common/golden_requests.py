"""Golden requests: a file of requests with the answers that a model is to give, and how far answers may differ.

The file is JSON Lines, or a list in JSON or YAML. Each item is a map:
`{name, request | request_file, expected, tolerance: {absolute, relative}, status, ignore: [paths]}`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui.common.request_body import JSON, RequestBody, content_type
from tui.common.terminal_text import without_controls
from tui.common.typed_path import is_file, real_path

MOST_BYTES = {"JSON": 2_000_000, "YAML": 100_000}
"""A form reads the file whenever it has changed, which must not be felt."""
MOST_TOLD = 5
"""How many differences of a request are told with their values; the others are counted."""
SHOWN_CHARACTERS, NAME_CHARACTERS = 60, 60
SAME = 1e-6
"""How far numbers with a fraction may differ, relative to the expected one, if no tolerance is given: the last digits
of 32-bit floats are others on another processor."""
_TOLERANCES = ("absolute", "relative")
_KEYS = ("name", "request", "request_file", "expected", "tolerance", "status", "ignore")


class GoldenInvalid(ValueError):
    """A file of golden requests cannot be used; the text names the file and the first lines and keys that are wrong."""


@dataclass(frozen=True)
class GoldenRequest:
    """A request and what its answer must be.

    `expected` is compared only if `compared`; `absolute` and `relative` are tolerances (None: not given), `ignore` the
    paths that are not compared, as differences name them: `predictions[0].time`; `[*]` is any index, `*` any key.
    """

    name: str
    sent: RequestBody | Path
    compared: bool = False
    expected: Any = None
    absolute: float | None = None
    relative: float | None = None
    status: int = 200
    ignore: tuple[str, ...] = ()

    @property
    def body(self) -> RequestBody:
        """What is sent, with its content type. Raises OSError for a file that is gone."""
        return RequestBody.of_file(self.sent) if isinstance(self.sent, Path) else self.sent


@dataclass(frozen=True)
class Difference:
    """Where two answers differ: the path in them, and both values as short texts."""

    path: str
    expected: str
    got: str

    def __str__(self) -> str:
        return f"{self.path or 'the answer'}: expected {self.expected}, got {self.got}"


@dataclass(frozen=True)
class Verdict:
    """What came of a golden request: whether it was as expected, and the first of `count` differences."""

    name: str
    good: bool
    status: int
    latency_ms: float | None = None
    differences: tuple[Difference, ...] = ()
    count: int = 0
    note: str = ""

    def lines(self) -> list[str]:
        """What is wrong, in a line each; none if nothing is."""
        more = self.count - len(self.differences)
        told = [*([self.note] if self.note else []), *map(str, self.differences)]
        return [*told, f"and {more} more"] if more else told

    def told(self) -> list[str]:
        """The verdict for people: a line, and a line for each difference."""
        took = f"{self.status} in {self.latency_ms or 0:.0f} ms"
        first = f"✔ {self.name}: as expected, {took}" if self.good else f"✖ {self.name}: not as expected, {took}"
        return [first, *(f"    {line}" for line in self.lines())]


def read(path: Path) -> list[GoldenRequest]:
    """The requests of a file. Raises OSError, and GoldenInvalid with the lines and keys that are wrong."""
    kind = "YAML" if path.suffix.lower() in (".yml", ".yaml") else "JSON"
    if path.stat().st_size > MOST_BYTES[kind]:
        most = f"{MOST_BYTES[kind] // 1000:,} kB"
        raise GoldenInvalid(f"{path.name} is larger than {most}, the limit for {kind}. JSON Lines may be the largest.")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise GoldenInvalid(f"{path.name} is not UTF-8 text.") from None
    found: list[GoldenRequest] = []
    problems: list[str] = []
    names: dict[str, str] = {}
    for number, (at, item) in enumerate(_items(kind, text, problems), 1):
        wrong = [f"{at}, {said}" for said in _wrong(item, path.parent)]
        problems += wrong
        if wrong:
            continue
        try:
            found.append(_request(item, number, path.parent))
        except ValueError:
            problems.append(f"{at}, request: NaN, infinity and halves of surrogate pairs cannot be sent.")
            continue
        if found[-1].name in names:
            problems.append(f"{at}, name: {found[-1].name} is also the name in {names[found[-1].name]}.")
        names[found[-1].name] = at
    if not found and not problems:
        problems.append('line 1: there is no request. Write one in each line: {"request": …, "expected": …}.')
    if problems:
        raise GoldenInvalid(_clean(f"{path.name}, {' '.join(first_of(problems, 3))}"))
    return found


def judged(one: GoldenRequest, status: int, body: str, note: str = "", latency_ms: float | None = None) -> Verdict:
    """The verdict on an answer; `note` is what is known of its failure, such as a 200 whose body is an error text."""
    if status != one.status:
        said = f"expected status {one.status}, got {status}. {note}".strip()
        return Verdict(one.name, False, status, latency_ms, note=said)
    if not one.compared:
        good = status != 200 or not note
        return Verdict(one.name, good, status, latency_ms, note="" if good else note)
    differences = compared(one, one.expected, body)
    return Verdict(one.name, not differences, status, latency_ms, tuple(differences[:MOST_TOLD]), len(differences))


def compared(one: GoldenRequest, expected: Any, body: str) -> list[Difference]:
    """The differences between an expected value and a body, within the tolerances of a request."""
    if isinstance(expected, str) and expected == _loaded(body):
        return []
    return list(_differences(one, expected, value_of(body)))


def value_of(body: str) -> Any:
    """The value of a body: of its JSON, or the text itself. A script that returns json.dumps(…) answers with JSON in
    a JSON text, which is taken apart too."""
    value = _loaded(body)
    inner = _loaded(value) if isinstance(value, str) else None
    return inner if isinstance(inner, (dict, list)) else value


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def in_words(verdicts: list[Verdict]) -> str:
    """How many were as expected: "12 of 12 golden requests as expected"."""
    return f"{sum(one.good for one in verdicts)} of {len(verdicts)} golden requests as expected"


def first_of(texts: list[str], most: int) -> list[str]:
    """The first texts, and how many more there are."""
    more = len(texts) - most
    return [*texts[:most], f"and {more} more"] if more > 0 else texts


def _differences(one: GoldenRequest, expected: Any, got: Any) -> Iterator[Difference]:
    """The differences, in the order of the expected value; without recursion, as answers may be nested deeply."""
    ignored = re.compile("|".join(map(_pattern, one.ignore)) or "(?!)")
    rest: list[tuple[str, Any, Any]] = [("", expected, got)]
    while rest:
        path, left, right = rest.pop()
        if ignored.match(path):
            continue
        if isinstance(left, dict) and isinstance(right, dict):
            below = [(f"{path}.{key}" if path else str(key), key) for key in {**left, **right}]
            rest += [(at, left.get(key, _MISSING), right.get(key, _MISSING)) for at, key in reversed(below)]
        elif isinstance(left, list) and isinstance(right, list):
            if len(left) != len(right):
                yield Difference(_end(path), _items_of(left), _items_of(right))
            rest += [(f"{path}[{at}]", *both) for at, both in reversed(list(enumerate(zip(left, right))))]
        elif not _alike(one, left, right):
            yield Difference(_end(path), _shown(left), _shown(right))


_MISSING = object()


def _alike(one: GoldenRequest, expected: Any, got: Any) -> bool:
    """Whether two values are the same, numbers within the tolerances; true and false are no numbers."""
    numbers = [isinstance(value, (int, float)) and not isinstance(value, bool) for value in (expected, got)]
    if not all(numbers):
        return type(expected) is type(got) and bool(expected == got)
    if expected == got or (expected != expected and got != got):  # NaN
        return True
    whole = isinstance(expected, int) and isinstance(got, int)
    given = one.absolute is not None or one.relative is not None
    try:
        allowed = max(one.absolute or 0.0, (one.relative or 0.0 if given else 0.0 if whole else SAME) * abs(expected))
        return bool(abs(got - expected) <= allowed < float("inf"))
    except OverflowError:  # whole numbers of hundreds of digits
        return False


def _pattern(path: str) -> str:
    """The pattern of an ignored path and of everything below it."""
    escaped = re.escape(path).replace(r"\[\*\]", r"\[\d+\]").replace(r"\*", r"[^.\[]+")
    return rf"(?:{escaped})(?=$|[.\[])"


def _items_of(value: list[Any]) -> str:
    return f"{len(value)} item{'s' * (len(value) != 1)}"


def _shown(value: Any) -> str:
    """A value as a short text on one line."""
    if value is _MISSING:
        return "nothing"
    if isinstance(value, (dict, list)) and value:
        return f"a map with {_items_of(list(value))}" if isinstance(value, dict) else f"a list of {_items_of(value)}"
    text = _clean(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 2]} …"


def _end(path: str) -> str:
    """A path as a short text: its end tells more."""
    text = _clean(path)
    return text if len(text) <= SHOWN_CHARACTERS else f"… {text[2 - SHOWN_CHARACTERS :]}"


def _clean(text: str) -> str:
    """The text on one line, without control characters and halves of surrogate pairs, which no stream takes."""
    return " ".join(without_controls(text).encode("utf-8", "replace").decode().split())


# The file


def _items(kind: str, text: str, problems: list[str]) -> Iterator[tuple[str, Any]]:
    """Each item with its place, such as "line 3"; what cannot be read is added to the problems."""
    at = "line 1"
    try:
        if kind == "YAML":
            import yaml

            if "*" in text and any(isinstance(one, yaml.AliasEvent) for one in yaml.parse(text, yaml.SafeLoader)):
                raise yaml.MarkedYAMLError(problem="aliases (*name) are not read")  # some lines can stand for gigabytes
            loader = yaml.SafeLoader(text)
            root = loader.get_single_node()
            for node in root.value if isinstance(root, yaml.SequenceNode) else [root] if root else ():
                at = f"line {node.start_mark.line + 1}"
                # The values of YAML are more than those of JSON, and its keys may be numbers.
                yield at, json.loads(json.dumps(loader.construct_object(node, deep=True)))
        elif text.lstrip()[:1] == "[":
            yield from ((f"item {number}", item) for number, item in enumerate(json.loads(text), 1))
        else:
            for number, line in enumerate(text.split("\n"), 1):
                at = f"line {number}"
                if line.strip():
                    yield at, json.loads(line)
    except Exception as error:  # PyYAML also raises ValueError (2020-99-99) and AttributeError (!!timestamp 1)
        if mark := getattr(error, "problem_mark", None):
            at = f"line {mark.line + 1}"
        elif kind == "JSON" and at == "line 1":
            at = f"line {getattr(error, 'lineno', 1)}"
        said = (
            getattr(error, "msg", None)
            or getattr(error, "problem", None)
            or (
                "it has a value that JSON has not, such as a date; write it as a text"
                if isinstance(error, TypeError)
                else "it has a value that cannot be read"
            )
        )
        problems.append(f"{at}: this is not {kind}: {said}.")


def _wrong(item: Any, base: Path) -> Iterator[str]:
    """What is wrong with an item: sentences that begin with its key."""
    if not isinstance(item, dict):
        yield "request: this is not a map; it must have request or request_file."
        return
    yield from _unknown("", item, _KEYS)
    name = item.get("name", "1")
    if not isinstance(name, str) or not 0 < len(name) <= NAME_CHARACTERS or not name.isprintable():
        yield f"name: it must be a text of 1 to {NAME_CHARACTERS} characters on one line."
    if ("request" in item) == ("request_file" in item):
        yield "request: write either request or request_file."
    file = item.get("request_file", "")
    if "request_file" in item and not (isinstance(file, str) and is_file(base / file)):
        yield f"request_file: the file {file} does not exist; relative paths start from {base}."
    status, tolerance, ignore = item.get("status", 200), item.get("tolerance", {}), item.get("ignore", [])
    if type(status) is not int or not 100 <= status <= 599:
        yield "status: it must be a whole number between 100 and 599."
    if not isinstance(tolerance, dict):
        yield "tolerance: it must be a map with absolute, relative or both."
        tolerance = {}
    yield from _unknown("tolerance.", tolerance, _TOLERANCES)
    for key in _TOLERANCES:
        value = tolerance.get(key, 0)
        if type(value) not in (int, float) or not 0 <= value < float("inf"):
            yield f"tolerance.{key}: it must be a number of 0 or more."
    if not isinstance(ignore, list) or not all(isinstance(one, str) and one.strip() for one in ignore):
        yield "ignore: it must be a list of paths, such as predictions[0].time."


def _unknown(group: str, given: dict[Any, Any], known: tuple[str, ...]) -> Iterator[str]:
    yield from (f"{group}{key}: this key is unknown; the keys are {', '.join(known)}."
                for key in given if key not in known)  # fmt: skip


def _request(item: dict[str, Any], number: int, base: Path) -> GoldenRequest:
    tolerance = item.get("tolerance", {})
    return GoldenRequest(
        item.get("name", f"request {number}"),
        real_path(base / item["request_file"]) if "request_file" in item else _sent(item["request"]),
        "expected" in item,
        item.get("expected"),
        tolerance.get("absolute"),
        tolerance.get("relative"),
        item.get("status", 200),
        tuple(one.strip() for one in item.get("ignore", [])),
    )


def _sent(request: Any) -> RequestBody:
    """A request as it is sent: a text as it is, any other value as JSON. Raises ValueError."""
    text = request if isinstance(request, str) else json.dumps(request, allow_nan=False)
    body = RequestBody(text.encode())
    body.content_type = content_type("", body) if isinstance(request, str) else JSON
    return body
