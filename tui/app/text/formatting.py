"""Formats durations, sizes and rates as text."""

from __future__ import annotations

from tui.common.terminal_text import without_controls


def duration(seconds: float) -> str:
    """Format a duration: `0.4 s`, `23 s`, `4 min 05 s`, `1 h 10 min`."""
    if seconds < 9.95:
        return f"{max(seconds, 0):.1f} s"
    whole = round(seconds)
    if whole < 100:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def running(seconds: float) -> str:
    """Format a duration that is still growing: in whole seconds, so that it changes once a second."""
    return "0 s" if seconds < 1 else duration(max(float(int(seconds)), 10)) if seconds >= 10 else f"{int(seconds)} s"


def ago(seconds: float | None) -> str:
    """Format the age of an answer: `read 3 min ago`; empty in the first minute, or if it is not known."""
    minutes = int((seconds or 0) // 60)
    return "" if minutes < 1 else f"read {minutes} min ago" if minutes < 100 else f"read {minutes // 60} h ago"


def size(count: float) -> str:
    """Format a number of bytes in decimal units: `812 B`, `3.4 MB`."""
    if count < 1000:
        return f"{int(count)} B"
    for unit in ("kB", "MB", "GB"):
        count /= 1000
        if count < 999.5 or unit == "GB":
            break
    return f"{count:.1f} {unit}" if count < 99.95 else f"{count:.0f} {unit}"


def transfer(done: float, total: float | None, seconds: float) -> str:
    """Format the progress of a transfer in bytes: `1.2 of 3.4 MB, 5 MB/s, 2 s left`."""
    if not total:
        return size(done)
    if done >= total:
        return size(total)
    number, unit = size(done).split(" ")
    whole, whole_unit = size(total).split(" ")
    parts = [f"{number} of {whole} {unit}" if unit == whole_unit else f"{number} {unit} of {whole} {whole_unit}"]
    if seconds >= 0.5 and done:
        rate = done / seconds
        parts += [f"{size(rate)}/s", f"{running((total - done) / rate)} left"]
    return ", ".join(parts)


def progress(done: float, total: float | None, unit: str, seconds: float) -> str:
    """Format a task's progress in its unit: bytes, percent or steps."""
    if unit == "bytes":
        return transfer(done, total, seconds)
    if unit == "percent":
        return f"{done:.0f} %"
    return f"{done:.0f} of {total:.0f}" if total else f"{done:.0f}"


def plain(text: str) -> str:
    """Return the text as one line without terminal control sequences; tabs become spaces."""
    return without_controls(text.expandtabs(4).replace("\n", " "))


def count(number: int, noun: str, many: str = "") -> str:
    """Format a count with its noun: `1 warning`, `2,000 warnings`."""
    return f"{number:,} {noun if number == 1 else many or noun + 's'}"


def milliseconds(value: float) -> str:
    """Format milliseconds: `12 ms`, `1,234 ms`; with one decimal below ten."""
    return f"{value:.1f} ms" if value < 10 else f"{value:,.0f} ms"


def files(number: int, total: float) -> str:
    """Format a number of files and their total size: `1,234 files, 3.4 MB`."""
    return f"{count(number, 'file')}, {size(total)}"
