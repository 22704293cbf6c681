"""Secrets are planted wherever a credential can come from, and looked for wherever they must not be."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from tests.engine.test_run import events_until, plan_for
from tui.engine import start_stop
from tui.engine.journal.runs import engine_pid
from tui.helper.client import HelperClient
from tui.plan.load_save.document import Document
from tui.plan.load_save.load import load
from tui.plan.presets import find
from tui.rehearsal_client import prepare, with_own_identity

ROOT = Path(__file__).resolve().parents[2]
# What a user's shell may hold while the wizard is open; UNTOLD has a name that gives nothing away.
PLANTED = {
    "AZURE_CLIENT_SECRET": "planted~client~secret~0001",
    "AZURE_PASSWORD": "planted~password~0002",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD": "planted~certificate~0003",
    "DATABRICKS_TOKEN": "planted~databricks~0004",
    "UNTOLD": "planted~untold~0005",
}
RUN_SECONDS = 300


class Watch:
    """Looks at every process of the machine, again and again, for secrets in its environment and arguments."""

    def __init__(self, secrets: list[str], cache: Path) -> None:
        self.found: dict[str, set[str]] = {}
        self.seen: set[str] = set()
        self._secrets = [secret.encode() for secret in secrets]
        self._cache = str(cache).encode()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.05):
            for folder in Path("/proc").iterdir():
                if folder.name.isdigit():
                    self._look(folder)

    def _look(self, folder: Path) -> None:
        try:
            arguments, environ = (folder / "cmdline").read_bytes(), (folder / "environ").read_bytes()
        except OSError:
            return
        line = arguments.replace(b"\0", b" ").decode(errors="replace")
        if self._cache in arguments or self._cache in environ:
            self.seen.add(line)
        for secret in self._secrets:
            where = "arguments" if secret in arguments else "environment" if secret in environ else ""
            if where:
                self.found.setdefault(secret.decode(), set()).add(f"{where}: {line}")


def holders(root: Path, secret: str) -> list[str]:
    """The files below a folder that hold a text."""
    return [str(path) for path in root.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]


@pytest.fixture
def planted(
    tmp_path: Path, rehearsal_home: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, str]]:
    """An environment full of secrets, in which nothing runs yet."""
    environ = {
        **rehearsal_home,
        **PLANTED,
        "AML_DEPLOY_HOME": str(tmp_path / "home"),
        "AML_DEPLOY_CACHE": str(tmp_path / "cache"),
    }
    monkeypatch.setenv("AML_DEPLOY_HOME", environ["AML_DEPLOY_HOME"])
    yield environ
    command = [sys.executable, "-m", "tui.rehearsal", "stop"]
    subprocess.run(command, env=environ, cwd=ROOT, check=True, capture_output=True, timeout=60)


def practice(document: Document, secret: str | None) -> Document:
    """The document with the rehearsal's practice service principal; without a secret, it is typed."""
    changed = document.copy()
    for key, value in (
        ("method", "service_principal"),
        ("tenant_id", "${env:REHEARSAL_TENANT_ID}"),
        ("client_id", "${env:REHEARSAL_CLIENT_ID}"),
        ("client_secret", secret),
    ):
        changed.set(f"credential.{key}", value, "test")
    return changed


@pytest.mark.slow
def test_a_typed_secret_is_nowhere_but_in_memory(tmp_path: Path, planted: dict[str, str]) -> None:
    document = practice(plan_for("churn-secret-01", tmp_path), None)
    cache = Path(planted["AML_DEPLOY_CACHE"])
    with Watch(list(PLANTED.values()), cache) as shell:
        prepared = prepare(document, planted)
        typed = prepared.pop("REHEARSAL_CLIENT_SECRET")
        document = with_own_identity(document, prepared)
        secrets = {"credential.client_secret": typed}
        with Watch([typed], cache) as watch:
            asyncio.run(sign_in(document, prepared, secrets))
            run = start_stop.start(document, environ=prepared, secrets=secrets)
            events_until(run, lambda event: event["event"] == "task_operation" and event["task"] == "endpoint")
            pid = engine_pid(run.folder)
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            while engine_pid(run.folder) is not None:
                pass
            refused = attach_without_a_terminal(run.id, prepared)
            said = attach_on_a_terminal(run.id, prepared, typed)
    assert refused.returncode == 2, refused.stderr
    assert "The client secret was typed when the run started" in refused.stderr
    assert "Client secret (not shown):" in said
    assert typed not in said + refused.stdout + refused.stderr
    last = run.journal.last()
    assert last is not None
    assert last["status"] == "succeeded", last
    assert run.typed == ("credential.client_secret",)
    assert sum(event["event"] == "run_resumed" for event in run.journal.read()) == 1
    signed_in = next(
        event for event in run.journal.read() if event["event"] == "task_finished" and event["task"] == "sign-in"
    )
    assert "service principal" in signed_in["detail"]
    assert watch.found == {}
    for part in ("tui.rehearsal serve", "tui.engine", "container_entry", "tui.helper", "uv"):
        assert any(part in line for line in watch.seen | shell.seen), f"{part} was never looked at"
    # The user's own shell passes its environment on to what works for the user, and to nothing else.
    strangers = {line for lines in shell.found.values() for line in lines if not is_the_users(line)}
    assert strangers == set()
    assert {secret for secret, lines in shell.found.items() if any("tui.engine" in line for line in lines)} <= {
        PLANTED["DATABRICKS_TOKEN"], PLANTED["UNTOLD"],
    }  # fmt: skip
    assert holders(Path(planted["AML_DEPLOY_HOME"]), typed) == []
    assert holders(cache, typed) == [], "the rehearsal derives the secret anew and keeps it nowhere"
    for secret in PLANTED.values():
        assert holders(Path(planted["AML_DEPLOY_HOME"]), secret) == []
        assert holders(cache, secret) == []


def attach_without_a_terminal(run: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """`attach` as a script calls it: there is nobody to ask."""
    return subprocess.run(
        [sys.executable, "-m", "tui", "attach", run],
        env=environ, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def attach_on_a_terminal(run: str, environ: dict[str, str], secret: str) -> str:
    """What `attach` shows on a terminal of its own on which the secret is typed when it is asked for."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "tui", "attach", run],
        env={**environ, "TERM": "dumb"}, cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    said, answered = b"", False
    with os.fdopen(ours, "r+b", buffering=0) as terminal, contextlib.suppress(OSError):  # EIO is its end
        while chunk := terminal.read(4096):
            said += chunk
            if not answered and b"(not shown):" in said:
                answered = True
                terminal.write(secret.encode() + b"\n")
    assert process.wait(60) == 0, said.decode()
    return said.decode()


def is_the_users(line: str) -> bool:
    """Whether a process works for the user who holds the secret: engine, helper, or a command that the user gave."""
    return line.startswith("environment:") and any(
        part in line for part in (" tui.engine", " tui.helper", " tui.plain.notebook", "-m tui attach")
    )


async def sign_in(document: Document, environ: dict[str, str], secrets: dict[str, str]) -> None:
    """Sign in through the helper, as a form does."""
    client = HelperClient(environ)
    try:
        plan = {"document": document.tree, "base": str(document.base), "secrets": secrets}
        answer = await client.ask("sign_in", plan=plan)
        assert answer["kind"] == "service principal"
    finally:
        await client.close()


@pytest.mark.slow
def test_a_secret_that_the_plan_refers_to_is_never_written(
    tmp_path: Path, rehearsal_home: dict[str, str], rehearsal: dict[str, object]
) -> None:
    wrong = "planted~reference~0006"
    document = practice(plan_for("churn-secret-02", tmp_path), "${env:PLAN_PW}")
    plan = tmp_path / "refers.yml"
    document.save(plan)
    environ = {**rehearsal_home, "PLAN_PW": wrong}
    with Watch([wrong], Path(rehearsal_home["AML_DEPLOY_CACHE"])) as watch:
        done = subprocess.run(
            [sys.executable, "-m", "tui", "apply", str(plan), "--rehearse", "--yes", "--json"],
            env=environ, cwd=ROOT, capture_output=True, text=True, timeout=RUN_SECONDS, check=False,
        )  # fmt: skip
    assert done.returncode == 3, done.stderr
    last = json.loads(done.stdout.splitlines()[-1])
    assert "AADSTS7000215" in last["message"]
    assert wrong not in done.stdout + done.stderr
    assert all(line.startswith("environment:") for lines in watch.found.values() for line in lines)
    assert not any("serve" in line or "container" in line for lines in watch.found.values() for line in lines)
    for folder in ("AML_DEPLOY_HOME", "AML_DEPLOY_CACHE"):
        assert holders(Path(rehearsal_home[folder]), wrong) == []


# Sixteen kinds of secrets, each with characters that encodings change; the last three are known to the rehearsal only.
KINDS = {
    "AZURE_CLIENT_SECRET": 'plant01~client/secret+&"é',
    "AZURE_PASSWORD": "plant02~user pass<word>",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD": "plant03~certificate=%41",
    "ARM_CLIENT_SECRET": "plant04~terraform/secret",
    "DATABRICKS_TOKEN": "plant05~databricks-token",
    "DATABRICKS_CLIENT_SECRET": "plant06~databricks/client",
    "SYSTEM_ACCESSTOKEN": "plant07~pipeline'token",
    "GITHUB_TOKEN": "plant08~github_token",
    "CORP_API_KEY": "plant09~api key",
    "STORE_CONNECTION_STRING": "plant10~AccountName=a;AccountKey=plant10+key/==",
    "UV_INDEX_CORP_PASSWORD": "plant11~index/password",
    "UNTOLD_REFERENCE": "plant12~referenced/variable+\\",
    "UNTOLD_PART": "plant13~part of a variable",
}
# It shows its variables in every form on standard output and in its answers, as a hostile or careless model does.
TELLTALE = """
import base64, json, os, urllib.parse
from pathlib import Path

def told():
    lines = []
    for value in (os.environ["WHOLE"], os.environ["PART"]):
        lines += [value, urllib.parse.quote(value, safe=""), json.dumps(value)]
        lines += [base64.b64encode((before + value).encode()).decode() for before in ("", "x", "xx")]
    return lines

def init():
    print("\\n".join(told()), flush=True)
    if os.environ["FAILS"] == "yes":
        raise RuntimeError(" ".join(told()))

def run(raw_data):
    return told()
"""


def forms_of(secret: str) -> set[bytes]:
    """A secret plain, URL-encoded, JSON-escaped, and the middle of its base64 at each of three positions."""
    data = secret.encode()
    found = {secret, quote(secret, safe=""), quote(secret), quote_plus(secret), json.dumps(secret)[1:-1]}
    found |= {base64.b64encode(bytes(before) + data).decode()[4:-4] for before in range(3)}
    return {form.encode() for form in found}


def leaks(secrets: Iterable[str], texts: dict[str, bytes]) -> list[str]:
    """Where a secret is in one of these texts, in any form."""
    forms = {secret: forms_of(secret) for secret in secrets}
    return [
        f"{secret} in {where}"
        for where, text in texts.items()
        for secret, ways in forms.items()
        if any(form in text for form in ways)
    ]


def ours(path: Path) -> bool:
    """Whether a file in the cache is not the stand-in's for Azure, which keeps what Azure keeps, nor a package's."""
    return path.parts[0] not in ("rehearsals", "environments")


def said_by(command: list[str], environ: dict[str, str]) -> tuple[int, bytes]:
    """Exit code and output of a command."""
    done = subprocess.run(
        command, env=environ, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, timeout=RUN_SECONDS, check=False
    )
    return done.returncode, done.stdout + done.stderr


def own_plan(folder: Path) -> Path:
    """A plan of a model that tells its secrets."""
    preset = find("own-score")
    assert preset is not None
    shutil.copytree(preset.path.parent / "own-score", folder / "own-score")
    (folder / "own-score/onlinescoring/score.py").write_text(TELLTALE)
    shutil.copy(preset.path, folder / "plan.yml")
    document = load(folder / "plan.yml", sets=["endpoint.name=churn-secret-16"])
    variables = {"WHOLE": "${env:UNTOLD_REFERENCE}", "PART": "a=${env:UNTOLD_PART};", "FAILS": "${env:TELLTALE_FAILS}"}
    document.set("deployment.environment_variables", variables, "test")
    practice(document, "${env:REHEARSAL_CLIENT_SECRET}").save(folder / "secret.yml")
    return folder / "secret.yml"


@pytest.mark.slow
def test_sixteen_kinds_of_secrets_are_nowhere_after_every_command(
    tmp_path: Path, rehearsal_home: dict[str, str], rehearsal: dict[str, Any]
) -> None:
    plan = own_plan(tmp_path)
    scratch, kept, pasted = tmp_path / "scratch", tmp_path / "written", tmp_path / "pasted.log"
    scratch.mkdir()
    kept.mkdir()
    given = rehearsal["set"]
    told = {"REHEARSAL_CLIENT_SECRET": given["REHEARSAL_CLIENT_SECRET"], "IDENTITY_HEADER": given["IDENTITY_HEADER"]}
    environ = {
        **rehearsal_home, **KINDS, "AML_DEPLOY_HOME": str(tmp_path / "home"), "TMPDIR": str(scratch),
        "TELLTALE_FAILS": "yes", "HTTP_PROXY": "http://user:plant14proxypassword@proxy.invalid:1",
    }  # fmt: skip
    secrets = [*KINDS.values(), "plant14proxypassword", *told.values()]
    assert len(secrets) == 16
    notebook = f"from tui.notebook import check, attach; check({str(plan)!r}, rehearse=True); attach()"
    exports = ("az-yaml", "python", "notebook", "github-actions", "azure-pipelines", "bicep", "docs")
    commands = [
        ["check", plan, "--json"],
        ["apply", plan, "--yes", "--json", "--record", kept / "failed.jsonl"],
        ["troubleshoot", "churn-secret-16", "--plan", plan, "--json"],
        ["requests", plan, "-o", kept / "requests"],
        *(["export", plan, "--to", to, "-o", kept / to] for to in exports),
        ["apply", plan, "--yes", "--record", kept / "succeeded.jsonl"],
        ["invoke", "churn-secret-16", "--plan", plan, "--request", tmp_path / "own-score/sample-request.json"],
        ["runs", "--json"],
        ["attach", "--json"],
        ["keys", "churn-secret-16", "--plan", plan, "--json"],
        ["remove", plan, "--yes", "--json"],
    ]
    rehearsed = {"check", "apply", "requests", "troubleshoot", "invoke", "keys", "remove"}
    texts: dict[str, bytes] = {}
    codes: dict[str, int] = {}
    with Watch(secrets, Path(environ["AML_DEPLOY_CACHE"])) as watch:
        for number, words in enumerate(commands):
            name = f"{number} {' '.join(str(word) for word in words)}"
            if words[0] == "apply" and number > 1:
                environ["TELLTALE_FAILS"] = "no"
            command = [sys.executable, "-m", "tui", *map(str, words), *["--rehearse"] * (words[0] in rehearsed)]
            codes[name], texts[name] = said_by(command, environ)
        _, texts["notebook"] = said_by([sys.executable, "-c", notebook], environ)
        pasted.write_bytes(b"\n".join(f"client_secret={one} Bearer {one}".encode() for one in KINDS.values()))
        _, texts["explain"] = said_by([sys.executable, "-m", "tui", "explain", str(pasted), "--json"], environ)
    assert {name: texts[name] for name, code in codes.items() if code != name.startswith(("1 ", "2 "))} == {}
    for told_by in ("1 apply", "2 troubleshoot", "12 invoke", "14 attach"):
        assert any(name.startswith(told_by) and b"(hidden)" in text for name, text in texts.items()), told_by
    # Only what signs in for the user, or was started by the user with them, holds them in its environment; programs
    # that fetch packages need the passwords of indexes and proxies.
    fetching = (KINDS["UV_INDEX_CORP_PASSWORD"], "plant14proxypassword")
    held = {line for secret, found in watch.found.items() if secret not in fetching for line in found}
    strangers = {line for line in held if not (is_the_users(line) or " -m tui " in line or " -c from tui" in line)}
    # Python's own platform.platform(), which azure-core calls for its User-Agent, asks the system's uname.
    strangers -= {"environment: uname -p "}
    assert {line for line in strangers if "container_entry" not in line} == set()
    assert not any(line.startswith("arguments:") for found in watch.found.values() for line in found)
    for folder in (Path(environ["AML_DEPLOY_HOME"]), kept, scratch):
        texts.update({str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()})
    cache = Path(environ["AML_DEPLOY_CACHE"])
    texts.update(
        {str(path): path.read_bytes() for path in cache.rglob("*") if path.is_file() and ours(path.relative_to(cache))}
    )
    assert b"(hidden)" in texts[str(cache / "calls.log")], "the log of calls is looked at too"
    assert leaks(secrets, texts) == []
