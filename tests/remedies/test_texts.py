"""Every entry matches a real text, and no entry matches harmless texts."""

from __future__ import annotations

from typing import Any

import pytest
from harmless import UNRELATED, healthy_texts
from texts_of_entries import TEXTS

from tui.rehearsal.scenarios.failures import FAILURES
from tui.rehearsal.scenarios.refusals import REFUSALS, SCORING_ANSWERS, STORAGE_REFUSALS
from tui.remedies.catalogue import Catalogue
from tui.remedies.matcher import SURE, match
from tui.remedies.pasted_text import plain

HARMLESS = [*healthy_texts(), *UNRELATED]


@pytest.mark.parametrize("case", TEXTS, ids=[f"{case['id']}-{case['origin']}" for case in TEXTS])
def test_the_text_brings_its_entry_first(case: dict[str, Any], catalogue: Catalogue) -> None:
    cards = match(case["text"], catalogue=catalogue)
    assert cards, "nothing was recognised"
    first = cards[0]
    assert first.id == case["id"], [(card.id, card.score) for card in cards]
    assert first.evidence
    given = plain(case["text"]).splitlines()
    for number, line in zip(first.lines, first.evidence):
        assert line.strip("… ")[:40] in given[number - 1]
    for sentence in (first.title, first.cause, first.remedy):
        assert "{" not in sentence.replace("{{secrets/…}}", ""), "a place was not filled"


def test_no_entry_is_without_a_text(catalogue: Catalogue) -> None:
    assert set(catalogue.entries) == {case["id"] for case in TEXTS}


def test_there_are_fifty_harmless_texts() -> None:
    assert len(set(HARMLESS)) >= 50


@pytest.mark.parametrize("text", HARMLESS, ids=range(len(HARMLESS)))
def test_a_harmless_text_brings_no_sure_card(text: str, catalogue: Catalogue) -> None:
    found = [(card.id, card.evidence) for card in match(text, catalogue=catalogue) if card.certainty == SURE]
    assert found == []


@pytest.mark.parametrize("text", healthy_texts(), ids=range(len(healthy_texts())))
def test_a_healthy_log_brings_no_card(text: str, catalogue: Catalogue) -> None:
    assert match(text, catalogue=catalogue) == []


def test_all_healthy_logs_together_bring_no_card(catalogue: Catalogue) -> None:
    healthy = "\n".join(healthy_texts())
    assert match(healthy, catalogue=catalogue) == []


# The scenario that causes a failure in the rehearsal, and the entry that must recognise it first.
FAILURE_OF_SCENARIO = {
    "image-build": "image-build-acr",
    "image-build-authorization": "image-build-acr-keys",
    "image-build-timeout": "image-build-timeout",
    "quota-clusters": "quota-cluster",
    "quota-disk": "quota-disk",
    "quota-memory": "quota-memory",
    "quota-container": "quota-container",
    "quota-role-assignments": "quota-role-assignments",
    "out-of-capacity": "region-capacity",
    "storage-access": "startup-authorization",
    "startup-roles": "startup-roles",
    "policy-template": "policy-template",
    "model-download": "model-download",
    "container-crash": "scoring-script-init",
    "probe-failure": "probe-too-short",
    "server-missing": "inference-server-missing",
    "monitoring-missing": "mlflow-ncd-monitoring",
    "xgboost-version": "xgb-version",
    "server-too-old": "flask-register",
    "resource-not-found": "resource-missing",
    "registry-not-found": "registry-unreadable",
    "managed-network-not-ready": "managed-net-not-ready",
    "operation-canceled": "operation-canceled-priority",
    "operation-canceled-lock": "operation-canceled-lock",
    "secrets-injection": "secrets-injection",
    "internal-error": "svc-500",
    "key-vault-bypass": "key-vault-bypass",
}


@pytest.mark.parametrize("name", sorted(FAILURE_OF_SCENARIO.keys() & FAILURES.keys()))
def test_a_rehearsed_failure_is_recognised_as_the_engine_sees_it(name: str, catalogue: Catalogue) -> None:
    failure = FAILURES[name]
    text = "\n".join([*failure.log, *failure.initializer, failure.text()])
    cards = match(text, code=failure.code, catalogue=catalogue)
    assert [card.id for card in cards][:1] == [FAILURE_OF_SCENARIO[name]]


@pytest.mark.parametrize("name", sorted(FAILURES))
def test_every_rehearsed_failure_has_a_card(name: str, catalogue: Catalogue) -> None:
    failure = FAILURES[name]
    assert match(f"{failure.text()}\n", code=failure.code, catalogue=catalogue)


def test_every_refusal_of_the_rehearsal_has_a_card(catalogue: Catalogue) -> None:
    refusals = [
        *((refusal.message, refusal.detail or refusal.code) for refusal in REFUSALS.values()),
        *((refusal.message, refusal.code) for refusal in STORAGE_REFUSALS.values()),
        *(
            ("\n".join([answer.body, *(": ".join(header) for header in answer.headers)]), f"scoring-{answer.status}")
            for answer in SCORING_ANSWERS.values()
        ),
    ]
    without = [text for text, code in refusals if not match(text, code=code, catalogue=catalogue)]
    assert without == []
