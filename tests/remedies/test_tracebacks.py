"""Which exception of a log explains the crash, and where it was raised."""

from __future__ import annotations

import pytest

from tui.remedies.patterns import Page
from tui.remedies.tracebacks import Raised, raised

OWN = '  File "/var/azureml-app/code/score.py", line 14, in init'
SERVER = '  File "/azureml-envs/x/lib/python3.10/site-packages/server/user_script.py", line 119, in load'


def traceback(*lines: str) -> str:
    """A traceback after its heading."""
    return "\n".join(["Traceback (most recent call last):", *lines])


def of(text: str) -> Raised | None:
    """What is found in a text."""
    return raised(Page(text))


@pytest.mark.parametrize("last", ["RuntimeError: no", "pkg.sub.OddException", "Odd: a message", "MemoryError"])
def test_it_is_read_with_its_place(last: str) -> None:
    found = of(f"first\n{traceback(SERVER, '    call()', OWN, '    load()', last)}\nafter")
    assert found == Raised(last, 6, 7, last, "score.py", 14, "init")
    assert found.where == "score.py, line 14, in init()"


@pytest.mark.parametrize("last", ["StopIteration", "MemoryError", "KeyError"])
def test_an_exception_without_a_message_is_one(last: str) -> None:
    found = of(traceback(OWN, last))
    assert found is not None and found.text == last


@pytest.mark.parametrize(
    "last", ["Exiting", "Boom", "SystemExit: 3", "server.HaltServer: 3", "WorkerTimeout", "12", "- -"]
)
def test_other_lines_and_wrappers_are_none(last: str) -> None:
    assert of(traceback(OWN, last)) is None


@pytest.mark.parametrize(
    "frame",
    [
        SERVER,
        '  File "/usr/lib/python3/dist-packages/x.py", line 1, in f',
        '  File "/usr/lib/python3.10/runpy.py", line 1, in f',
        '  File "<frozen importlib._bootstrap>", line 1, in f',
        '  File "<string>", line 1, in f',
    ],
)
def test_files_of_the_server_are_not_the_users(frame: str) -> None:
    found = of(traceback(frame, "RuntimeError: no"))
    assert found is not None and (found.file, found.where) == ("", "")
    mine = of(traceback(OWN, frame, "RuntimeError: no"))
    assert mine is not None and mine.where == "score.py, line 14, in init()"


@pytest.mark.parametrize(
    ("frame", "where"),
    [
        ('  File "score.py", line 3, in <module>', "score.py, line 3"),
        ('  File "score.py", line 3', "score.py, line 3"),
        (r'  File "C:\\app\\score.py", line 3, in run', "score.py, line 3, in run()"),
        (r'  File "C:\app\score.py", line 3, in run', "score.py, line 3, in run()"),
        (r"  File \"/app/score.py\", line 3, in run", "score.py, line 3, in run()"),
        ('2026-11-22T23:48:48.868Z   File "/app/score.py", line 3, in run', "score.py, line 3, in run()"),
        ('2026-11-22 23:48:48,868   File "/app/score.py", line 3, in run', "score.py, line 3, in run()"),
        (
            '2026-11-22T23:48:48+01:00 | gunicorn/run |   File "/app/score.py", line 3, in run',
            "score.py, line 3, in run()",
        ),
    ],
)
def test_frames_of_every_form(frame: str, where: str) -> None:
    found = of(traceback(frame, "KeyError: 'x'"))
    assert found is not None and found.where == where


def test_the_last_one_in_the_users_files_is_meant() -> None:
    text = "\n".join(
        [
            traceback(OWN.replace("14", "1"), "KeyError: 'early'"),
            traceback(OWN, "KeyError: 'mine'"),
            traceback(SERVER, "ValueError: theirs, later"),
        ]
    )
    found = of(text)
    assert found is not None and (found.text, found.file_line, found.line) == ("KeyError: 'mine'", 14, 6)


def test_without_a_users_file_the_last_one_is_meant() -> None:
    found = of(f"{traceback(SERVER, 'KeyError: 1')}\n{traceback(SERVER, 'ValueError: 2')}")
    assert found is not None and found.text == "ValueError: 2"
    skipped = of(f"{traceback(SERVER, 'KeyError: 1')}\n{traceback(SERVER, 'SystemExit: 3')}")
    assert skipped is not None and skipped.text == "KeyError: 1"


def test_a_second_heading_in_the_first_line_ends_the_search() -> None:
    assert of("Traceback (most recent call last): Traceback (most recent call last):\n") is None
    assert of("no such thing") is None


def test_so_many_are_looked_at_and_so_long() -> None:
    many = f"{traceback(OWN, 'KeyError: 1')}\n" + f"{traceback(SERVER, 'SystemExit: 3')}\n" * 3
    assert raised(Page(many), most=3) is None
    assert raised(Page(many), most=4) is not None
    long = [OWN, *["    more()"] * 198]
    assert of(traceback(*long, "KeyError: 1")) is not None
    assert of(traceback(*long, "    more()", "KeyError: 1")) is None


def test_what_is_shown_has_an_end() -> None:
    found = of(traceback(OWN, f"KeyError: {'x' * 2_000}"))
    assert found is not None and len(found.text) == 300


def test_empty_and_indented_lines_are_passed_over() -> None:
    found = of(traceback(OWN, "", "\tmore", "    ^^^^", "KeyError: 1"))
    assert found is not None and found.line == 6
