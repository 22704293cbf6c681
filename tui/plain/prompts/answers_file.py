"""Reads a file that answers the prompts: keys of the plan, and a few further questions.

    endpoint.name: churn-02
    deployment.instance_count: 2
    deploy: yes
    save_as: churn-02.yml

Questions that the file does not answer take their defaults, as at the end of the input.
"""

from __future__ import annotations

import difflib
from pathlib import Path

from tui.plain.prompts.field_prompt import EMPTY, Answers, hide
from tui.plain.terminal import say
from tui.plan.fields.all_fields import BY_KEY
from tui.plan.load_save import yaml_nodes
from tui.plan.problems import PlanInvalid, Problem

# Questions that are not fields of the plan.
PLAN, DEPLOY, SAVE_AS = "plan", "deploy", "save_as"
YES, NO = ("y", "yes", "true"), ("n", "no", "false")
QUESTIONS = {
    PLAN: "plan file or preset to start with",
    DEPLOY: "yes or no, after the review",
    SAVE_AS: "file to save a changed plan to",
}


class FileAnswers(Answers):
    """Answers from a file instead of the terminal.

    A question is answered once: if its answer is refused, the prompts end, so that a wrong file cannot loop.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ended = True  # unanswered questions take their defaults
        self.path = path

    def line(self, question: str, key: str = "") -> str:
        """The file's answer for a key, once; then empty, which means the default."""
        return self._answered(question, key, shown=True)

    def secret(self, question: str, key: str = "") -> str:
        """Like `line`, without showing the answer."""
        return self._answered(question, key, shown=False)

    def _answered(self, question: str, key: str, shown: bool) -> str:
        if key not in self.left:
            say(question)
            return ""
        answer = self.left.pop(key)
        say(f"{question} {answer if shown else hide(answer)}")
        return answer


def read_answers(path: Path) -> FileAnswers:
    """The answers in a YAML file: a map of plan keys (dotted, or nested as in a plan) and of `plan`, `deploy`,
    `save_as`. Raises PlanInvalid with file, line and key of everything that is not valid."""
    import yaml

    answers, node = FileAnswers(path), yaml_nodes.read(path)
    if node is None:
        return answers
    if not isinstance(node, yaml.MappingNode):
        raise PlanInvalid(
            [Problem("", "Answers are a map of keys and values.", "Such as endpoint.name: churn-02.", str(path), 1)]
        )
    problems: list[Problem] = []
    _take(node, "", answers, problems)
    if problems:
        raise PlanInvalid(problems)
    return answers


def _take(node: object, prefix: str, answers: FileAnswers, problems: list[Problem]) -> None:
    """Collect the answers of a map and its nested maps."""
    import yaml

    assert isinstance(node, yaml.MappingNode)
    path = str(answers.path)
    for key_node, value_node in node.value:
        key, line = f"{prefix}{key_node.value}", key_node.start_mark.line + 1
        if isinstance(value_node, yaml.MappingNode) and key not in BY_KEY:
            _take(value_node, f"{key}.", answers, problems)
        elif key not in BY_KEY and key not in QUESTIONS:
            problems.append(Problem(key, "No question has this key.", _nearest(key), path, line))
        else:
            text = answers.left[key] = _text(key, value_node)
            answers.places[key] = f"{path}, line {line}"
            if key == DEPLOY and text.lower() not in YES + NO:
                problems.append(Problem(key, f"{text} is not a valid answer.", "Answer yes or no.", path, line))


def _text(key: str, node: object) -> str:
    """The text that would have been typed: a scalar as written, null as the sign that clears, a map or list as the
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
