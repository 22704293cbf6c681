"""`aml-deploy completion`: real shells complete with what it prints."""

from __future__ import annotations

import os
import pty
import select
import shlex
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tui.cli.commands import COMMANDS
from tui.cli.completion import script
from tui.cli.main import main
from tui.plan.presets import presets

PRESETS = {preset.name for preset in presets()}
CASES = [
    ("", {*COMMANDS, *PRESETS}, {"--json"}),
    ("ch", {"check", "churn-xgboost"}, {"apply"}),
    ("my", {"my-plan.yml"}, {"overlay.yml"}),
    ("my-plan.yml ov", {"overlay.yml"}, {"my-plan.yml"}),
    ("--pl", {"--plain"}, {"--json", "--version"}),
    ("check ", {*PRESETS, "my-plan.yml"}, {"check"}),
    ("check my", {"my-plan.yml"}, PRESETS),
    ("check my-plan.yml ov", {"overlay.yml"}, PRESETS),
    ("check --", {"--set", "--try-locally", "--json"}, {"--dress-rehearsal", "--detach"}),
    ("churn-xgboost --", {"--rehearse", "--set"}, {"--json"}),
    ("apply --record my", {"my-plan.yml"}, {"overlay.yml"}),
    ("apply --as ", set(), {*PRESETS, "my-plan.yml"}),
    ("export my-plan.yml --to git", {"github-actions"}, {"bicep"}),
    ("rehearsal --pace ", {"fast", "azure"}, {"--env"}),
    ("endpoints --fail-on un", {"unhealthy"}, PRESETS),
    ("logs churn --container inf", {"inference-server"}, {"storage-initializer"}),
    ("diff my-plan.yml ov", {"overlay.yml"}, PRESETS),
    ("apply my-plan.yml --approved ov", {"overlay.yml"}, PRESETS),
    ("rollback churn --", {"--to", "--as", "--yes"}, {"--approved"}),
    ("traffic churn --", {"--yes", "--plan"}, {"--to"}),
    ("remove my-plan.yml --", {"--dry-run", "--yes"}, {"--detach"}),
    ("history churn --plan my", {"my-plan.yml"}, PRESETS),
    ("completion ", {"bash", "zsh", "fish"}, PRESETS),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("my-plan.yml", "overlay.yml", "two words.yml"):
        (tmp_path / name).touch()
    return tmp_path


def shell(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed here")
    return found


def ran(command: list[str], cwd: Path) -> set[str]:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    return {line.partition("\t")[0].strip() for line in done.stdout.splitlines()}


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_it_prints_the_script(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", name]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert printed.out == script(name) + "\n"


def test_a_shell_that_it_does_not_know_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "ksh"]) == 2
    assert "invalid choice: 'ksh'" in capsys.readouterr().err


@pytest.mark.parametrize(("line", "offered", "never"), CASES)
def test_bash_completes(line: str, offered: set[str], never: set[str], folder: Path) -> None:
    words = f"aml-deploy {line}".split(" ")
    found = ran(
        [
            shell("bash"),
            "--norc",
            "-c",
            f"{script('bash')}\nCOMP_WORDS=({shlex.join(words)}) COMP_CWORD={len(words) - 1}\n"
            f"$(complete -p aml-deploy | sed 's/.*-F \\([^ ]*\\).*/\\1/') 2>/dev/null\n"
            "printf '%s\\n' \"${COMPREPLY[@]}\"",
        ],
        folder,
    )
    assert offered <= found
    assert not never & found


@pytest.mark.parametrize(("line", "offered", "never"), CASES)
def test_fish_completes(line: str, offered: set[str], never: set[str], folder: Path) -> None:
    (folder / "script.fish").write_text(script("fish"), encoding="utf-8")
    asked = f"source script.fish; complete -C {shlex.quote('aml-deploy ' + line)}"
    found = ran([shell("fish"), "--no-config", "-c", asked], folder)
    assert offered <= found
    assert not never & found


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("che\t sk\t", "check sklearn-iris"),
        ("my\t", "my-plan.yml"),
        ("che\t my\t ov\t", "check my-plan.yml overlay.yml"),
        ("check tw\t", "check two words.yml"),
        ("check --try\t", "check --try-locally"),
        ("export my-plan.yml --to git\t", "export my-plan.yml --to github-actions"),
        ("sk\t --mou\t", "sklearn-iris --mouse"),
    ],
)
@pytest.mark.parametrize("name", ["bash", "zsh"])
def test_what_is_typed_is_completed(name: str, typed: str, completed: str, folder: Path) -> None:
    """In a terminal, as a person would."""
    (folder / "script").write_text(script(name), encoding="utf-8")
    options = ["--norc", "--noprofile"] if name == "bash" else ["-f"]
    said = in_a_terminal([shell(name), *options, "-i"], folder, [
        *(["autoload -U compinit; compinit -D -u"] if name == "zsh" else []),
        'eval "$(cat script)"; aml-deploy() { echo "<$*>"; }; echo re""ady',
    ], f"aml-deploy {typed}")  # fmt: skip
    assert f"<{completed}>" in said


def in_a_terminal(command: list[str], cwd: Path, before: list[str], typed: str) -> str:
    """What a shell shows while lines are entered, and one typed with Tabs."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(cwd)
        os.execvpe(command[0], command, {**os.environ, "TERM": "dumb", "PS1": "$ ", "LC_ALL": "C.UTF-8"})
    said, seen = "", 0

    def read() -> None:
        nonlocal said
        if select.select([terminal], [], [], 0.2)[0]:
            said += os.read(terminal, 65536).decode("utf-8", "replace")

    def until(mark: str) -> None:
        nonlocal seen
        end = time.monotonic() + 60
        while mark not in said[seen:] and time.monotonic() < end:
            read()
        seen = max(seen, said.find(mark, seen))

    try:
        os.write(terminal, "".join(f"{line}\n" for line in before).encode())
        until("ready")
        for part in typed.split("\t")[:-1]:
            os.write(terminal, part.encode() + b"\t")
            begun, end = len(said), time.monotonic() + 60
            while len(said) - begun <= len(part) and time.monotonic() < end:  # its echo, and what completes it
                read()
        os.write(terminal, b"\n")
        until("\n<")
        until(">\r\n")
        return said
    finally:
        os.close(terminal)
        os.kill(pid, 9)
        os.waitpid(pid, 0)
