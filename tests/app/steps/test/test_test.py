"""Test: the request, the response, and the call as code."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.app.panes import home, recorded_answers, wizard
from tests.app.recorded import SCORE_ANSWER, SCORING
from tui.app.steps.test import call_as_code, call_in_words
from tui.app.steps.test.pane import TestPane
from tui.app.steps.test.request_editor import RequestEditor
from tui.helper.client import HelperError

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")


async def test_the_sample_is_filled_in_and_sending_shows_status_latency_and_who_answered() -> None:
    answers = recorded_answers()
    async with wizard(answers) as walk:
        await walk.to("test")
        await walk.sees("QtdTransacoesNegadas", "JSON: 2 rows in data")
        assert walk.focused == "test-send"
        bar = walk.app.screen.query_one("#test-bar")
        assert all(bar.content_region.contains_region(child.region) for child in bar.children), "nothing is cut"
        await walk.press("enter")
        screen = await walk.sees("✔ 200: The model responded", "31 ms", "served by blue")
        assert '"churn": "yes"' in screen
        asked = dict(answers.asked)["score"]
        assert json.loads(asked["body"])["data"][0]["Idade"] == 27
        assert asked["deployment"] is None


async def test_the_split_is_drawn_once_there_is_more_than_one_deployment() -> None:
    def endpoint(traffic: dict[str, int]) -> dict[str, Any]:
        deployments = [{"name": name, "provisioning_state": "Succeeded"} for name in traffic]
        return {"name": "churn-endpoint-01", "exists": True, "deployments": deployments, "traffic": traffic}

    answers = recorded_answers(endpoint=endpoint({"blue": 90, "green": 10}))
    async with wizard(answers) as walk:
        await walk.to("test")
        await walk.sees("Traffic blue █████████░ 90 %  green █░░░░░░░░░ 10 %", "QtdTransacoesNegadas")
    answers = recorded_answers(endpoint=endpoint({"blue-of-november": 70, "green-of-november": 20, "red": 10}))
    async with wizard(answers, size=(120, 40)) as walk:
        await walk.to("test")
        await walk.sees(
            "Traffic blue-of-november ███████░░░ 70 %  green-of-november ██░░░░░░░░ 20 %  red █░░░░░░░░░ 10 %"
        )
        await walk.pilot.resize_terminal(80, 24)
        await walk.sees("Traffic blue-of-november ███░ 70 %  green-of-november █░░░ 20 %  red █░░░ 10 %")
    async with wizard(recorded_answers(endpoint=endpoint({"blue": 100}))) as walk:
        await walk.to("test")
        await walk.sees("QtdTransacoesNegadas")
        await walk.tab_to("test-pinned")
        await walk.press("enter")
        await walk.sees("blue (100 %)")
        await walk.press("escape")
        await walk.until(lambda: "blue (100 %)" not in walk.text(), "the list is closed")
        assert "Traffic blue" not in walk.text()


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (120, 40)])
async def test_a_request_under_way_shows_a_sign_of_life_until_it_is_answered(size: tuple[int, int]) -> None:
    answers = recorded_answers()
    answers.hold("score")
    async with wizard(answers, size=size) as walk:
        await walk.to("test")
        await walk.sees("JSON: 2 rows in data")
        await walk.press("enter")
        await walk.until(lambda: re.search(r"▸ sending … \d+ s", walk.text()), "it counts the seconds")
        answers.release("score")
        await walk.sees("✔ 200: The model responded")
        await walk.until(lambda: "sending" not in walk.text(), "it is over")


async def test_an_answer_has_most_of_a_short_screen_until_the_request_is_edited() -> None:
    async with wizard() as walk:
        await walk.to("test")
        await walk.sees("No request sent yet")
        request, answer = (walk.app.screen.query_one(f"#test-{name}") for name in ("request", "answer"))
        assert abs(request.size.height - answer.size.height) <= 1
        await walk.tab_to("test-send")
        await walk.press("enter")
        await walk.sees("✔ 200")
        await walk.until(lambda: answer.size.height >= 2 * request.size.height, "the answer has grown")
        await walk.tab_to("test-editor")
        await walk.until(lambda: abs(request.size.height - answer.size.height) <= 1, "the request has its half again")


async def test_a_200_with_an_error_text_is_not_a_success() -> None:
    body = '"could not convert string to float"'
    answer = {**SCORE_ANSWER, "body": body, "ok": False, "note": "The body is an error text."}
    async with wizard(recorded_answers(score=answer)) as walk:
        await walk.to("test")
        await walk.press("enter")
        screen = await walk.sees("Status 200, but the body is an error")
        assert "✔ 200" not in screen
        assert "The body is an error text." in screen


async def test_json_is_checked_while_it_is_typed_with_line_and_column() -> None:
    async with wizard() as walk:
        await walk.to("test")
        await walk.sees("JSON: 2 rows in data")
        editor = walk.app.screen.query_one(RequestEditor)
        editor.load_text('{\n  "data": [1 2]\n}')
        await walk.sees("Not JSON at line 2, column 14: a comma is missing here")
        editor.load_text('{"data": [1, 2]}')
        await walk.sees("JSON: 2 rows in data, 16 bytes")


async def test_what_was_typed_survives_going_back_and_coming_again() -> None:
    async with wizard() as walk:
        await walk.to("test")
        await walk.sees("JSON: 2 rows in data")
        editor = walk.app.screen.query_one(RequestEditor)
        editor.load_text('{"data": [7]}')
        await walk.to("review")
        await walk.to("test")
        await walk.sees("JSON: 1 row in data")
        assert editor.text == '{"data": [7]}'


async def test_a_call_can_be_pinned_to_a_deployment() -> None:
    answers = recorded_answers()
    async with wizard(answers) as walk:
        await walk.to("test")
        await walk.until(lambda: walk.app.screen.query_one(TestPane)._endpoint, "the endpoint is read")
        await walk.tab_to("test-pinned")
        for key in ("enter", "down", "enter"):
            await walk.press(key)
        await walk.tab_to("test-send")
        await walk.press("enter")
        await walk.sees("to blue")
        assert dict(answers.asked)["score"]["deployment"] == "blue"


async def test_no_answer_says_why_and_what_to_do() -> None:
    error = HelperError("The scoring URI cannot be reached.", "The name resolves to a public address.", "Use the VNet.")
    async with wizard(recorded_answers(score=error)) as walk:
        await walk.to("test")
        await walk.press("enter")
        await walk.sees("✖ The scoring URI cannot be reached.", "resolves to a public address", "Use the VNet.")


async def test_earlier_calls_of_this_sitting_can_be_looked_at_again() -> None:
    status = iter([200, 424, 200])
    answers = recorded_answers()
    answers.answers["score"] = lambda asked: {
        **SCORE_ANSWER, "status_code": (code := next(status)), "ok": code == 200, "body": f"answer {code}",
    }  # fmt: skip
    async with wizard(answers) as walk:
        await walk.to("test")
        for expected in ("answer 200", "answer 424", "answer 200"):
            await walk.tab_to("test-send")
            await walk.press("enter")
            await walk.sees(expected)
        await walk.tab_to("test-calls")
        for key in ("enter", "down", "enter"):
            await walk.press(key)
        await walk.sees("answer 424", "✖ 424: The model raised an error")


async def test_the_request_of_an_earlier_call_comes_back_and_can_be_undone() -> None:
    async with wizard() as walk:
        await walk.to("test")
        await walk.sees("JSON: 2 rows in data")
        editor = walk.app.screen.query_one(RequestEditor)
        first = editor.text
        await walk.press("enter")
        await walk.sees("✔ 200")
        editor.load_text('{"data": [7]}')
        await walk.sees("JSON: 1 row in data")
        await walk.tab_to("test-fill")
        for key in ("enter", "up", "enter"):
            await walk.press(key)
        await walk.until(lambda: editor.text == first, "the request is back")
        editor.focus()
        await walk.press("ctrl+z")
        assert editor.text == '{"data": [7]}'


async def test_a_request_is_made_from_the_models_signature() -> None:
    answers = recorded_answers(inspect_model={"sample": {"data": [{"only": 1}]}})
    async with wizard(answers) as walk:
        await walk.to("test")
        await walk.sees("JSON: 2 rows in data")
        await walk.tab_to("test-fill")
        for key in ("enter", "down", "down", "enter"):
            await walk.press(key)
        await walk.sees('"only": 1', "JSON: 1 row in data", "The request is now: Model's signature.")


async def test_an_endpoint_that_is_not_there_is_said() -> None:
    async with wizard(recorded_answers(endpoint={"exists": False})) as walk:
        await walk.to("test")
        await walk.sees("The endpoint does not exist yet")


async def test_curl_and_python_have_a_variable_in_place_of_the_key() -> None:
    async with wizard(size=(120, 40)) as walk:
        await walk.to("test")
        pane = walk.app.screen.query_one(TestPane)
        await walk.until(lambda: pane._endpoint, "the endpoint is read")
        await walk.tab_to("test-curl")
        await walk.press("enter")
        await walk.sees("$AML_ENDPOINT_KEY", "curl --fail-with-body", "az ml online-endpoint get-credentials")
        assert SCORING in walk.app.clipboard
        assert '"Authorization: Bearer $AML_ENDPOINT_KEY"' in walk.app.clipboard
        assert "--name churn-endpoint-01 --workspace-name ws-churn --resource-group rg-ml" in walk.app.clipboard


def test_the_copied_commands_send_the_same_body(tmp_path: Path) -> None:
    body = '{"data": [{"name": "O\'Neill $HOME `x`", "ok": true, "none": null}]}'
    target = call_as_code.Target("https://host/score?a=1&b=2", "green", "churn", "ws one", "rg")
    shown_curl = call_as_code.as_curl(target, body)
    python = f"#!{sys.executable}\n"
    programs = {
        "curl": python + "import json, sys\nprint(json.dumps(sys.argv[1:]))\n",
        "az": python + "import sys\nopen('asked', 'w').write('|'.join(sys.argv[1:]))\nprint('abc')\n",
    }
    for name, text in programs.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    shown = subprocess.run(
        ["/bin/sh", "-c", shown_curl], env=env, cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    arguments = json.loads(shown)
    assert json.loads(arguments[arguments.index("--data") + 1]) == json.loads(body)
    assert "Authorization: Bearer abc" in arguments
    assert "azureml-model-deployment: green" in arguments
    assert "https://host/score?a=1&b=2" in arguments
    asked = (tmp_path / "asked").read_text(encoding="utf-8")
    assert "--name|churn|--workspace-name|ws one|--resource-group|rg|--query|primaryKey" in asked

    (tmp_path / "requests.py").write_text(
        "class Answer:\n    status_code = 200\n    headers = {}\n    text = ''\n"
        "def post(uri, json=None, headers=None, timeout=None):\n"
        "    print(__import__('json').dumps([uri, json, headers]))\n    return Answer()\n",
        encoding="utf-8",
    )
    (tmp_path / "call.py").write_text(call_as_code.as_python(target, body), encoding="utf-8")
    env["AML_ENDPOINT_KEY"] = "abc"
    ran = subprocess.run([sys.executable, "call.py"], cwd=tmp_path, env=env, capture_output=True, text=True, check=True)
    uri, sent, headers = json.loads(ran.stdout.splitlines()[0])
    assert uri == "https://host/score?a=1&b=2"
    assert sent == json.loads(body)
    assert headers == {"Authorization": "Bearer abc", "azureml-model-deployment": "green"}


@pytest.mark.parametrize(
    ("auth_mode", "command"),
    [
        ("key", "get-credentials --name churn --workspace-name ws --resource-group rg --query primaryKey"),
        ("aml_token", "get-credentials --name churn --workspace-name ws --resource-group rg --query accessToken"),
        ("aad_token", "az account get-access-token --resource https://ml.azure.com --query accessToken"),
    ],
)
def test_the_command_that_fetches_the_key_fits_the_auth_mode(auth_mode: str, command: str) -> None:
    target = call_as_code.Target("https://host/score", None, "churn", "ws", "rg", auth_mode=auth_mode)
    assert command in target.fetching()


@pytest.mark.parametrize("domain", ["ml.azure.us", "ml.azure.cn", "ml.azure.com"])
def test_a_token_is_asked_for_the_cloud_of_the_scoring_host(domain: str) -> None:
    target = call_as_code.Target(f"https://churn.region.inference.{domain}/score", auth_mode="aad_token")
    assert f"--resource https://{domain} " in target.fetching()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "The request is empty"),
        ('{"data": [1,]}', "line 1, column"),
        ("[" * 100_000, "nested too deeply"),
        ('{"input_data": {"columns": []}}', "an object with input_data"),
        ("[1, 2, 3]", "a list of 3"),
    ],
)
def test_judging_says_what_a_text_is(text: str, words: str) -> None:
    assert words in call_in_words.check_json(text)[1]


def test_a_body_that_is_nested_too_deeply_is_shown_and_sent_as_it_is() -> None:
    deep = "[" * 100_000
    target = call_as_code.Target("https://churn.westeurope.inference.ml.azure.com/score", "churn", "g", "w")
    assert call_in_words.pretty(deep) == deep
    assert deep in call_as_code.as_python(target, deep) and deep in call_as_code.as_curl(target, deep)


def test_percentiles_are_of_values_that_were_measured() -> None:
    assert call_in_words.percentile([5.0], 0.95) == 5.0
    assert call_in_words.percentile([float(n) for n in range(1, 101)], 0.95) == 95.0
    assert call_in_words.percentile([3.0, 1.0, 2.0], 0.5) == 2.0


def test_a_call_says_which_status_it_got_in_words() -> None:
    call = call_in_words.Call.answered(
        datetime(2026, 1, 1), "{}", None, {"status_code": 429, "latency_ms": 3.0, "ok": False}
    )
    assert "Too many concurrent requests" in call.verdict


async def test_a_file_that_is_no_json_is_named_and_sent_as_it_is(tmp_path: Path) -> None:
    image = tmp_path / "cat.png"
    image.write_bytes(b"\x89PNG\r\n\x1a\n\x00\xff")
    answers = recorded_answers()
    async with wizard(answers, size=(120, 40), sets=(f"test.request={image}",)) as walk:
        await walk.to("test")
        await walk.sees("✔ The file cat.png is sent", "unchanged.")
        editor = walk.app.screen.query_one(RequestEditor)
        assert editor.text == f"@{image}"
        await walk.press("enter")
        await walk.sees("✔ 200: The model responded")
        assert dict(answers.asked)["score"]["body"] == f"@{image}"
        pane = walk.app.screen.query_one(TestPane)
        assert "Content-Type: image/png" in pane.snippet("curl") and f"--data-binary @{image}" in pane.snippet("curl")
        python = pane.snippet("Python")
        assert f"Path('{image}').read_bytes()" in python and '"Content-Type": "image/png"' in python
        compile(python, "call.py", "exec")


async def test_golden_requests_are_sent_and_their_differences_listed(tmp_path: Path) -> None:
    (tmp_path / "golden.jsonl").write_text('{"request": {}}\n')
    lines = ["✔ one: as expected, 200 in 12 ms", "✖ two: not as expected, 200 in 9 ms", "    y[0]: expected 2, got 3"]
    answers = recorded_answers(golden={"ok": False, "words": "1 of 2 golden requests as expected", "lines": lines})
    async with wizard(answers, sets=(f"test.requests={tmp_path / 'golden.jsonl'}",)) as walk:
        await walk.to("test")
        await walk.sees("Golden requests", "JSON: 2 rows in data")
        below = walk.app.screen.query_one("#test-below")
        assert all(below.content_region.contains_region(child.region) for child in below.children), "nothing is cut"
        await walk.tab_to("test-golden")
        await walk.press("enter")
        await walk.sees("1 of 2 golden requests as expected", *lines)
        assert dict(answers.asked)["golden"]["deployment"] is None
        await walk.press("escape")
        answers.answers["golden"] = HelperError("The golden requests cannot be read", "line 1: no.", "Correct it.")
        await walk.press("enter")
        await walk.sees("The golden requests cannot be read", "line 1: no.", "Correct it.")


async def test_without_golden_requests_there_is_no_button_for_them() -> None:
    async with wizard(recorded_answers()) as walk:
        await walk.to("test")
        await walk.sees("JSON: 2 rows in data")
        assert not walk.app.screen.query_one("#test-golden").display
