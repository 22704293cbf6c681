"""A file that answers the prompts: keys of the plan, and the few questions that are not fields.

    endpoint.name: churn-02
    deployment.instance_count: 2
    deploy: yes
    save_as: churn-02.yml

What the file does not answer takes its default, as at the end of the input.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tui.plain.prompts.field_prompt import EMPTY, Answers, hide
from tui.plain.terminal import say
from tui.plan.fields.all_fields import BY_KEY
from tui.plan.load_save import yaml_nodes
from tui.plan.problems import PlanInvalid, Problem

# Questions of the walk that are not fields of the plan.
PLAN, DEPLOY, SAVE_AS = "plan", "deploy", "save_as"
YES, NO = ("y", "yes", "true"), ("n", "no", "false")
QUESTIONS = {
    PLAN: "plan file or preset to begin with",
    DEPLOY: "yes or no, after the review",
    SAVE_AS: "file to save a changed plan to",
}


@dataclass(frozen=True)
class Answer:
    """An answer and the line it stands in."""

    text: str
    line: int


class FileAnswers(Answers):
    """Answers from a file instead of from what is typed.

    A question is answered once: when its answer was refused, the walk ends there, so that a wrong file cannot loop.
    """

    def __init__(self, path: Path, answers: Mapping[str, Answer]) -> None:
        super().__init__()
        self.ended = True  # what the file does not answer takes its default
        self.path = path
        self._answers = dict(answers)
        self._given: set[str] = set()

    def line(self, question: str, key: str = "") -> str:
        """The file's answer to the question of a key, once; else empty, which means the default."""
        return self._answered(question, key, shown=True)

    def secret(self, question: str, key: str = "") -> str:
        """The same; what is answered is not shown."""
        return self._answered(question, key, shown=False)

    def where(self, key: str) -> str:
        """File and line of a key's answer, for a message; empty without one."""
        return f"{self.path}, line {self._answers[key].line}" if key in self._answers else ""

    def has(self, key: str) -> bool:
        """Whether the file answers the question of a key."""
        return key in self._answers

    def not_asked(self) -> list[str]:
        """Keys with an answer whose question did not come."""
        return [key for key in self._answers if key not in self._given]

    def _answered(self, question: str, key: str, shown: bool) -> str:
        answer = self._answers.get(key)
        if answer is None or key in self._given:
            say(question)
            return ""
        self._given.add(key)
        say(f"{question} {answer.text if shown else hide(answer.text)}")
        return answer.text


def read_answers(path: Path) -> FileAnswers:
    """The answers in a YAML file: a map of plan keys (dotted, or nested as in a plan) and of `plan`, `deploy`,
    `save_as`. Raises PlanInvalid with file, line and key of whatever is not understood."""
    import yaml

    node = yaml_nodes.read(path)
    if node is None:
        return FileAnswers(path, {})
    if not isinstance(node, yaml.MappingNode):
        raise PlanInvalid(
            [Problem("", "Answers are a map of keys and values.", "Such as endpoint.name: churn-02.", str(path), 1)]
        )
    problems: list[Problem] = []
    answers = _flat(node, "", path, problems)
    if problems:
        raise PlanInvalid(problems)
    return FileAnswers(path, answers)


def _flat(node: object, prefix: str, path: Path, problems: list[Problem]) -> dict[str, Answer]:
    import yaml

    assert isinstance(node, yaml.MappingNode)
    found: dict[str, Answer] = {}
    for key_node, value_node in node.value:
        key, line = f"{prefix}{key_node.value}", key_node.start_mark.line + 1
        if isinstance(value_node, yaml.MappingNode) and key not in BY_KEY:
            found.update(_flat(value_node, f"{key}.", path, problems))
        elif key not in BY_KEY and key not in QUESTIONS:
            problems.append(Problem(key, "No question has this key.", _nearest(key), str(path), line))
        else:
            found[key] = Answer(_text(key, value_node), line)
            if key == DEPLOY and found[key].text.lower() not in YES + NO:
                said = f"{found[key].text} is not an answer to this."
                problems.append(Problem(key, said, "Answer yes or no.", str(path), line))
    return found


def _text(key: str, node: object) -> str:
    """What would have been typed: a scalar as it is written, nothing as the sign that empties, a map or list as the
    form shows it."""
    import yaml

    if isinstance(node, yaml.ScalarNode):
        if node.tag.endswith(":null"):
            return EMPTY
        return str(node.value).strip()
    value = yaml.SafeLoader("").construct_object(node, deep=True)
    return BY_KEY[key].show(value) if key in BY_KEY else str(value)


def _nearest(key: str) -> str:
    close = difflib.get_close_matches(key, [*BY_KEY, *QUESTIONS], 1, 0.6)
    if close:
        return f"Did you mean {close[0]}?"
    return f"Keys are those of a plan, such as endpoint.name, and {', '.join(QUESTIONS)}."
