"""The kinds of arguments, as data, so that argparse is loaded only when a command runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import argparse


class Argument(NamedTuple):
    """An argument: its names, the settings for `add_argument`, and its group in help."""

    names: tuple[str, ...]
    settings: dict[str, Any]
    group: tuple[str, ...]


ALONE = ("one of",)
"""The group of mutually exclusive arguments; it has no title in help."""


def argument(*names: str, group: tuple[str, ...] = (), **settings: Any) -> Argument:
    """An argument with the settings of `add_argument`; `group` is a title and an explanation, or ALONE.

    Without `help`, it is hidden from the command's help and from completion.
    """
    return Argument(names, settings, group)


def repeated(*names: str, **settings: Any) -> Argument:
    """An option that may be given several times; its values are a list."""
    return argument(*names, action="append", default=[], **settings)


def flag(*names: str, **settings: Any) -> Argument:
    """An option without a value."""
    return argument(*names, action="store_true", **settings)


def add(parser: argparse.ArgumentParser, arguments: tuple[Argument, ...]) -> None:
    """Add arguments to a parser."""
    from argparse import SUPPRESS

    groups: dict[tuple[str, ...], Any] = {(): parser}
    for one in arguments:
        if one.group not in groups:
            alone = one.group == ALONE
            groups[one.group] = (
                parser.add_mutually_exclusive_group() if alone else parser.add_argument_group(*one.group)
            )
        groups[one.group].add_argument(*one.names, **{"help": SUPPRESS, **one.settings})


def seconds(text: str) -> float:
    """Parse an interval between two reads, which must not be 0. Raises ArgumentTypeError."""
    return _number(text, 0.1, 86_400, "seconds")


def count(text: str) -> int:
    """Parse a number of lines. Raises ArgumentTypeError."""
    return int(_number(text, 0, 100_000, "lines"))


def per_second(text: str) -> float:
    """Parse a rate of requests. Raises ArgumentTypeError."""
    return _number(text, 0.001, 1_000_000, "requests a second")


def milliseconds(text: str) -> float:
    """Parse a limit of a latency; Azure ends every request after 180 seconds. Raises ArgumentTypeError."""
    return _number(text, 1, 180_000, "milliseconds")


def _number(text: str, least: float, most: float, unit: str) -> float:
    from argparse import ArgumentTypeError

    try:
        value = float(text)
    except ValueError:
        value = least - 1
    if not least <= value <= most:
        raise ArgumentTypeError(f"{text} is not a number from {least:g} to {most:g} ({unit})")
    return value
