"""Blue and green behind one endpoint: requests are shifted, and shifted back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import PRESET, Terminal, aml_deploy, json_lines

from tui.plain.commands.endpoint_operations.traffic import parse
from tui.plan.presets import find

ENDPOINT = "churn-blue-green"
RUN_SECONDS = 300
REQUEST = Path(str(find(PRESET).path.parent)) / PRESET / "sample-request.json"  # type: ignore[union-attr]


@pytest.fixture(scope="module")
def two(rehearsing: dict[str, str]) -> Iterator[dict[str, str]]:
    """The environment in which an endpoint has the deployments blue, with all the traffic, and green, with none."""
    apply = ("apply", PRESET, "--rehearse", "--yes", "--set", f"endpoint.name={ENDPOINT}")
    for name in ("blue", "green"):
        done = aml_deploy(*apply, "--set", f"deployment.name={name}", environ=rehearsing, timeout=RUN_SECONDS)
        assert done.returncode == 0, done.stderr
        assert "aml-deploy rollback" not in done.stderr, "nobody served before, so there is no way back"
    yield rehearsing
    for name in ("green", "blue"):
        gone = aml_deploy(
            "remove", PRESET, "--rehearse", "--yes", "--set", f"endpoint.name={ENDPOINT}", "--set",
            f"deployment.name={name}", environ=rehearsing,
        )  # fmt: skip
        assert gone.returncode == 0, gone.stderr


def shift(environ: dict[str, str], *arguments: str) -> dict[str, Any]:
    done = aml_deploy(*arguments, "--json", environ=environ)
    assert done.returncode == 0, done.stderr
    (answer,) = json_lines(done.stdout)
    return answer


def answered_by(environ: dict[str, str]) -> str:
    done = aml_deploy("invoke", ENDPOINT, "--request", REQUEST, "--json", environ=environ)
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["deployment"])


@pytest.mark.slow
def test_traffic_is_shifted_and_shifted_back(two: dict[str, str]) -> None:
    assert answered_by(two) == "blue"
    shifted = shift(two, "traffic", ENDPOINT, "blue=90", "green=10")
    assert shifted == {"endpoint": ENDPOINT, "before": {"blue": 100}, "after": {"blue": 90, "green": 10}}
    shifted = shift(two, "traffic", ENDPOINT, "green=100")
    assert (shifted["before"], shifted["after"]) == ({"blue": 90, "green": 10}, {"green": 100})
    assert answered_by(two) == "green"
    back = shift(two, "rollback", ENDPOINT)
    assert (back["before"], back["after"]) == ({"green": 100}, {"blue": 90, "green": 10})
    assert shift(two, "rollback", ENDPOINT)["after"] == {"green": 100}
    again = shift(two, "traffic", ENDPOINT, "green=100")
    assert again["before"] == again["after"], "nothing was changed, and that is what it says"
    assert shift(two, "rollback", ENDPOINT)["after"] == {"blue": 90, "green": 10}, "the way back was kept"
    done = aml_deploy("traffic", ENDPOINT, "blue=100", "--plan", PRESET, "--rehearse", environ=two)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["before  blue 90 %, green 10 %", "now     blue 100 %"]
    assert f"aml-deploy rollback {ENDPOINT}" in done.stderr


def split(environ: dict[str, str]) -> list[str]:
    done = aml_deploy("traffic", ENDPOINT, environ=environ)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow
def test_the_split_is_printed_a_line_for_each_deployment(two: dict[str, str]) -> None:
    shift(two, "traffic", ENDPOINT, "green=100")
    shift(two, "traffic", ENDPOINT, "blue=100")
    assert split(two) == ["blue: 100 %", "green: 0 %"]
    told = shift(two, "traffic", ENDPOINT)
    assert told == {"endpoint": ENDPOINT, "traffic": {"blue": 100}, "mirror_traffic": {}, "before": {"green": 100}}
    said = aml_deploy("traffic", ENDPOINT, environ=two).stderr
    assert f"Previous split: green 100 %. Restore it with: aml-deploy rollback {ENDPOINT}" in said
    none = aml_deploy("traffic", "churn-nowhere", "--plan", PRESET, "--rehearse", environ=two)
    assert (none.returncode, none.stdout) == (1, "")
    assert "The endpoint churn-nowhere does not exist" in none.stderr


@pytest.mark.slow
def test_on_a_terminal_callers_traffic_changes_only_when_confirmed(two: dict[str, str]) -> None:
    environ = {**two, "TERM": "xterm"}

    def asked(question: str, answer: str, *arguments: str) -> tuple[int, str]:
        terminal = Terminal(*arguments, environ=environ)
        terminal.until(question)
        terminal.type(answer)
        return terminal.end(), terminal.text

    shift(two, "traffic", ENDPOINT, "green=100")
    shift(two, "traffic", ENDPOINT, "blue=100")
    question = "Callers' traffic: blue 100 % → blue 90 %, green 10 %. Change it? [y/N]"
    for answer in ("\n", "n\n", "\x04"):
        code, _ = asked(question, answer, "traffic", ENDPOINT, "blue=90", "green=10")
        assert code == 130
    assert asked("blue 100 % → green 100 %. Change it?", "\n", "rollback", ENDPOINT)[0] == 130
    assert split(two) == ["blue: 100 %", "green: 0 %"]
    assert asked(question, "y\n", "traffic", ENDPOINT, "blue=90", "green=10")[0] == 0
    assert split(two) == ["blue: 90 %", "green: 10 %"]
    for arguments in (["rollback", ENDPOINT, "--yes"], ["traffic", ENDPOINT, "blue=100"]):  # nothing to ask twice
        terminal = Terminal(*arguments, environ=environ)
        terminal.until("rollback" if arguments[0] == "rollback" else "nothing was changed")
        assert terminal.end() == 0
        assert "[y/N]" not in terminal.text
    assert split(two) == ["blue: 100 %", "green: 0 %"]
    missing = Terminal("traffic", ENDPOINT, "red=100", environ=environ)
    missing.until("no deployment red")
    assert missing.end() == 2
    assert "[y/N]" not in missing.text


@pytest.mark.slow
def test_without_confirmation_remove_lists_and_removes_nothing(two: dict[str, str]) -> None:
    given = ("remove", PRESET, "--rehearse", "--deployment", "green", "--set", f"endpoint.name={ENDPOINT}")
    piped = aml_deploy(*given, environ=two)
    assert piped.returncode == 2
    assert "Will be removed:\n  deployment green" in piped.stderr
    assert "Add --yes to remove it." in piped.stderr.splitlines()[-1]
    dry = aml_deploy(*given, "--dry-run", "--yes", environ=two)
    assert dry.returncode == 0, dry.stderr
    assert dry.stdout.startswith("Will be removed:\n  deployment green")
    (told,) = json_lines(aml_deploy(*given, "--dry-run", "--json", environ=two).stdout)
    assert [item["name"] for item in told["would_remove"]] == ["green"]
    assert {item["name"] for item in told["would_keep"]} == {"blue", ENDPOINT}
    assert len(split(two)) == 2


@pytest.mark.slow
def test_what_still_serves_is_not_removed_and_the_list_says_what_it_costs(two: dict[str, str]) -> None:
    sets = ("--set", f"endpoint.name={ENDPOINT}", "--rehearse", "--yes")
    refused = aml_deploy("remove", PRESET, "--deployment", "blue", *sets, environ=two)
    assert refused.returncode == 1, refused.stderr
    assert "aml-deploy traffic" in refused.stderr, refused.stderr
    listed = refused.stderr
    assert "Will be removed:" in listed
    assert "deployment blue, Succeeded, 1 x Standard_D4as_v4" in listed
    assert "100 % of traffic" in listed
    assert "an hour" in listed or "price not known" in listed
    assert "created by 2" in listed, "the run and who started it"
    assert listed.index("Will be removed:") < listed.index("Will be kept:") < listed.index("deployment green")
    assert answered_by(two) == "blue"


@pytest.mark.slow
def test_keys_are_replaced_one_after_the_other_and_never_printed(two: dict[str, str], tmp_path: Path) -> None:
    def keys(*more: str) -> dict[str, Any]:
        done = aml_deploy("keys", ENDPOINT, *more, "--json", environ=two)
        assert done.returncode == 0, done.stderr
        (answer,) = json_lines(done.stdout)
        said.append(done.stdout + done.stderr)
        return answer

    said: list[str] = []
    first = keys()["keys"]
    assert first["primary"] != first["secondary"]
    file = tmp_path / "key.txt"
    assert keys("--put", "secondary", str(file))["fingerprint"] == first["secondary"]
    assert file.stat().st_mode & 0o777 == 0o600
    kept = file.read_text(encoding="utf-8")
    again = aml_deploy("keys", ENDPOINT, "--put", "primary", file, environ=two)
    assert again.returncode == 2
    assert file.read_text(encoding="utf-8") == kept, "a file that is there is not written over"
    done = keys("--regenerate", "primary", "--yes")
    assert done["before"] == first
    assert done["keys"]["primary"] != first["primary"]
    assert done["keys"]["secondary"] == first["secondary"]
    assert answered_by(two) == "blue"
    assert kept not in "".join(said)
    for wrong in (("--rotate",), ("--regenerate", "primary"), ("--put", "third", str(tmp_path / "x"))):
        refused = aml_deploy("keys", ENDPOINT, *wrong, environ=two)
        assert refused.returncode == 2, refused.stderr


@pytest.mark.slow
def test_a_deployment_that_is_not_there_is_refused(two: dict[str, str]) -> None:
    done = aml_deploy("traffic", ENDPOINT, "blue=90", "red=10", environ=two)
    assert done.returncode == 2
    assert "no deployment red" in done.stderr
    assert "blue, green" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_pasted_scoring_url_is_looked_up_in_the_plans_workspace(two: dict[str, str]) -> None:
    report = json.loads(aml_deploy("troubleshoot", ENDPOINT, "--json", "--no-test", environ=two).stdout)
    url = report["endpoint"]["scoring_uri"]
    place = ("--plan", PRESET, "--rehearse")
    done = aml_deploy("invoke", url, "--request", REQUEST, *place, "--json", environ=two)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["endpoint"] == ENDPOINT
    done = aml_deploy("rollback", url.replace(ENDPOINT, "churn-nowhere"), *place, environ=two)
    assert done.returncode == 2
    assert "No endpoint of this workspace has the scoring URL" in done.stderr


@pytest.mark.slow
def test_a_deployment_that_is_not_there_is_not_removed_and_the_reason_is_its_own(two: dict[str, str]) -> None:
    done = aml_deploy(
        "remove", PRESET, "--rehearse", "--yes", "--deployment", "red", "--set", f"endpoint.name={ENDPOINT}",
        environ=two,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert f"{ENDPOINT} has no deployment red; nothing was removed." in done.stderr
    assert "only red was named" in done.stderr
    assert "it is not the plan's" not in done.stderr


@pytest.mark.slow
def test_an_endpoint_that_is_not_there(two: dict[str, str]) -> None:
    done = aml_deploy("rollback", "churn-nowhere", "--plan", PRESET, "--rehearse", environ=two)
    assert done.returncode == 1
    assert "does not exist" in done.stderr


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        (["blue=90", "green=20"], "add up to 110"),
        (["blue=0"], "add up to 0"),
        (["blue=90", "blue=10"], "appears twice"),
        (["blue"], "DEPLOYMENT=PERCENT"),
        (["blue=-10", "green=110"], "DEPLOYMENT=PERCENT"),
    ],
)
def test_a_split_that_is_none_is_refused_before_anything_is_asked(
    shares: list[str], said: str, lonely: dict[str, str]
) -> None:
    done = aml_deploy("traffic", ENDPOINT, *shares, environ=lonely)
    assert done.returncode == 2
    assert said in done.stderr


def test_shares_may_be_written_as_per_cent() -> None:
    assert parse(["blue=90%", "green=10"]) == {"blue": 90, "green": 10}
