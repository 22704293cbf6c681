"""The catalogue: complete, valid, and extendable; an invalid extension never breaks it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tui.plan.fields.all_fields import BY_KEY
from tui.remedies.catalogue import BUNDLED, PHASES, Catalogue, load, user_file
from tui.remedies.matcher import match
from tui.remedies.patterns import BadPattern, Pattern

# Every code of Microsoft's how-to-troubleshoot-online-endpoints.
DOCUMENTED_CODES = """
    ImageBuildFailure OutOfQuota BadArgument ResourceNotReady ResourceNotFound WorkspaceManagedNetworkNotReady
    OperationCanceled SecretsInjectionError InternalServerError
    ACRSecretError TokenRefreshFailed GetAADTokenFailed ACRAuthenticationChallengeFailed ACRTokenExchangeFailed
    KubernetesUnaccessible ImagePullLoopBackOff DeploymentCrashLoopBackOff KubernetesCrashLoopBackOff
    UserScriptInitFailed UserScriptImportError UserScriptFunctionNotFound NamespaceNotFound EndpointNotFound
    EndpointAlreadyExists ScoringFeUnhealthy ValidateScoringFailed InvalidDeploymentSpec PodUnschedulable
    PodOutOfMemory InferencingClientCallFailed
"""
# The variants of those codes, the articles on networks and consumption, and the scoring statuses.
DOCUMENTED_VARIANTS = """
    image-build-acr-keys image-build-acr image-build-timeout image-build quota quota-cluster quota-disk quota-memory
    quota-role-assignments quota-endpoints region-capacity quota-kubernetes quota-container subscription-missing
    startup-authorization startup-roles policy-template image-download model-download mlflow-legacy-net
    k8s-requests-above-limits k8s-front-end-not-ready flask-register probe-too-short resource-missing
    registry-unreadable operation-canceled-priority operation-canceled-lock v1-legacy key-vault-bypass
    image-download-egress endpoint-dns bandwidth cors score-forbidden no-traffic upstream-408 model-424
    too-many-pending rate-limited scoring-500 k8s-scoring-status
"""
# Reports about private deployments in issue trackers; collected before the catalogue was written.
REPORTED = """
    inference-server-missing mlflow-ncd-monitoring resource-not-ready quota image-build-acr image-download
    mlflow-legacy-net managed-net-not-ready v1-legacy private-link-denied endpoint-dns storage-403 storage-keyless
    upload-timeout symlink-ignore endpoint-name endpoint-busy rbac secret-expired cred-chain token-expired-lro
    marshmallow no-traffic model-424 mlflow2-input upstream-408 xgb-version key-vault-bypass region-capacity
    missing-driver svc-500
"""
OWN_ENTRY = """\
- id: house-proxy
  title: The house proxy wants its form filled in
  phase: client
  patterns: ['HP-4711']
  cause: Nobody has filled in form {form|17} this year.
  remedy: Fill it in.
  source: [the wiki]
"""


def test_every_entry_can_be_used(catalogue: Catalogue) -> None:
    assert catalogue.problems == []
    assert len(catalogue.entries) > 100


def test_every_documented_code_is_recognised_by_itself(catalogue: Catalogue) -> None:
    codes = {code for entry in catalogue.entries.values() for code in entry.codes}
    assert set(DOCUMENTED_CODES.split()) <= codes
    for code in DOCUMENTED_CODES.split():
        cards = match("", code=code, catalogue=catalogue)
        assert cards, code
        assert code in catalogue.entries[cards[0].id].codes


def test_every_documented_variant_and_reported_failure_is_there(catalogue: Catalogue) -> None:
    assert {*DOCUMENTED_VARIANTS.split(), *REPORTED.split()} <= set(catalogue.entries)


def test_entries_say_everything_a_reader_needs(catalogue: Catalogue) -> None:
    for entry in catalogue.entries.values():
        assert entry.phase in PHASES
        assert entry.source, f"{entry.id} does not say where it is from"
        assert entry.docs.startswith("https://"), entry.id
        assert not entry.field or entry.field in BY_KEY, f"{entry.id}: {entry.field} is no field of the plan"
        assert entry.cause.endswith("."), entry.id
        assert entry.remedy.endswith("."), entry.id
        assert not entry.title.endswith("."), entry.id
        text = f"{entry.title} {entry.cause} {entry.remedy}"
        assert "!" not in text, entry.id
        assert not re.search(r"\b(?:simply|just|please|oops|whoops|obviously)\b", text, re.IGNORECASE), entry.id


def test_searching_is_fast_because_every_pattern_has_fixed_characters(catalogue: Catalogue) -> None:
    for entry in catalogue.entries.values():
        for pattern in [*(item.pattern for item in entry.patterns), *entry.absent]:
            assert pattern.literals, f"{entry.id}: {pattern.regex.pattern}"


@pytest.mark.parametrize("text", [r"(a+)+b", r"(?:x*y*)*z", r"(\w+\s?)+$", r"((ab){2,})*"])
def test_patterns_that_could_take_for_ever_are_refused(text: str) -> None:
    with pytest.raises(BadPattern):
        Pattern(text)


def test_patterns_with_limits_are_accepted() -> None:
    assert Pattern(r"(?:[a-z]{1,5}-){1,9}end").regex.search("aa-bb-end")


def test_a_user_adds_an_entry(own_file: Path) -> None:
    own_file.write_text(OWN_ENTRY, encoding="utf-8")
    (card,) = match("blocked by HP-4711")
    assert (card.id, card.certainty) == ("house-proxy", "sure")
    assert card.cause == "Nobody has filled in form 17 this year."
    assert card.source == ("the wiki",)


def test_a_user_replaces_an_entry(own_file: Path) -> None:
    own_file.write_text("entries:\n" + OWN_ENTRY.replace("house-proxy", "secret-expired"), encoding="utf-8")
    assert "secret-expired" not in [card.id for card in match("AADSTS7000222: expired")]
    assert [card.id for card in match("HP-4711")] == ["secret-expired"]


def test_a_user_adds_a_context(own_file: Path) -> None:
    entry = OWN_ENTRY.replace("phase: client", "phase: client\n  context: house")
    own_file.write_text(f"contexts: {{house: 'example\\.org'}}\nentries:\n{entry}", encoding="utf-8")
    assert match("blocked by HP-4711")[0].certainty == "possible"
    assert match("proxy.example.org\nblocked by HP-4711")[0].certainty == "sure"


def test_what_an_entry_leaves_out_is_taken_from_the_defaults_of_its_file(own_file: Path) -> None:
    entry = "- {id: ID, title: T, cause: C, remedy: R, patterns: [P-17]}\n"
    own_file.write_text(
        "defaults: {phase: image, context: azure, docs: 'https://example.org'}\nentries:\n"
        + entry.replace("ID", "one")
        + entry.replace("ID", "two").replace("title", "context: '', phase: client, title")
    )
    entries = load(own_file).entries
    assert [(entries[name].phase, entries[name].context) for name in ("one", "two")] == [
        ("image", "azure"),
        ("client", ""),
    ]
    assert entries["two"].docs == "https://example.org"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("- id: x\n- [\n", ", line 3: this is not YAML"),
        ("{entry: []}", "expected a list of entries"),
        ("just a text", "expected a list of entries"),
        ("- 17", "entry 1 is omitted: it is not a mapping"),
        (OWN_ENTRY.replace("HP-4711", "(HP"), "entry house-proxy is omitted: '(HP' is not a regular expression"),
        (OWN_ENTRY.replace("HP-4711", "(a+)+"), "might never end"),
        (OWN_ENTRY.replace("  patterns: ['HP-4711']\n", ""), "patterns is missing"),
        (OWN_ENTRY.replace("remedy:", "remedies:"), "unknown key, remedies"),
        (OWN_ENTRY.replace("phase: client", "phase: later"), "its phase is not one of"),
        (OWN_ENTRY.replace("phase: client", "context: moon"), "its context is not one of"),
        (OWN_ENTRY.replace("house-proxy", "House Proxy"), "its id is not made of lowercase letters"),
        (OWN_ENTRY.replace("['HP-4711']", "[{match: HP, weight: heavy}]"), "a weight is not a number"),
        (OWN_ENTRY.replace("Fill it in.", "[Fill, it, in]"), "remedy is not a text"),
    ],
)
def test_a_file_that_cannot_be_used_is_described_and_harms_nothing(own_file: Path, content: str, words: str) -> None:
    own_file.write_text(content, encoding="utf-8")
    read = load()
    assert any(words in problem for problem in read.problems), read.problems
    assert all(str(own_file) in problem for problem in read.problems)
    assert [card.id for card in match("AADSTS7000222: expired")] == ["secret-expired"]


def test_an_entry_that_cannot_be_used_is_named_with_its_line(own_file: Path) -> None:
    own_file.write_text(f"# ours\nentries:\n{OWN_ENTRY}{OWN_ENTRY.replace('HP-4711', '(HP')}", encoding="utf-8")
    (problem,) = load().problems
    assert problem.startswith(f"{own_file}, line {3 + len(OWN_ENTRY.splitlines())}: entry house-proxy is omitted")


def test_an_empty_file_and_none_are_no_problem(own_file: Path) -> None:
    assert load().problems == []
    own_file.write_text("# nothing yet\n", encoding="utf-8")
    assert load().problems == []


def test_no_id_is_in_two_files(catalogue: Catalogue) -> None:
    ids = re.findall(r"(?m)^- id: (\S+)", "\n".join(file.read_text(encoding="utf-8") for file in BUNDLED.glob("*.yml")))
    assert len(ids) == len(set(ids)) == len(catalogue.entries)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("weight: 10", ""),
        ("weight: 10.1", "weight"),
        ("weight: 0.1", ""),
        ("weight: 0", "weight"),
        ("weight: -1", "weight"),
        ("weight: true", "weight"),
        ("weight: '2'", "weight"),
        ("more: 1", "neither a text nor a mapping"),
    ],
)
def test_a_weight_is_a_number_above_0_and_up_to_10(own_file: Path, given: str, words: str) -> None:
    own_file.write_text(
        f"- id: mine\n  title: T\n  cause: C\n  remedy: R\n  patterns: [{{match: quota exceeded, {given}}}]\n"
    )
    read = load(own_file)
    assert ("mine" in read.entries) == (not words)
    assert all(words in problem for problem in read.problems) and bool(read.problems) == bool(words)


def test_what_an_entry_leaves_out_has_its_default_and_texts_stand_for_lists_of_one(own_file: Path) -> None:
    own_file.write_text(
        "- id: little\n  title: a\n   title\n  cause: C\n  remedy: R\n  patterns: quota exceeded\n"
        "- {id: much, title: T, cause: C, remedy: R, phase: image, codes: [1, B], absent: not so, general: true,\n"
        "   traceback: true, unless: [{isolation: legacy}], patterns: [{match: no quota, weight: 3}, a quota]}\n"
        "- {id: other, title: T, cause: C, remedy: R, patterns: [quota], general: 1, traceback: yes please}\n"
    )
    entries = load(own_file).entries
    little, much, other = (entries[name] for name in ("little", "much", "other"))
    assert (little.title, little.phase, little.context, little.codes) == ("a title", "container", "", ())
    assert (little.general, little.traceback, [one.weight for one in little.patterns]) == (False, False, [1.0])
    assert (much.phase, much.codes, much.general, much.traceback) == ("image", ("1", "B"), True, True)
    assert [one.weight for one in much.patterns] == [3.0, 1.0]
    assert (len(much.absent), much.unless) == (1, ({"isolation": "legacy"},))
    assert (other.general, other.traceback) == (False, False)


def test_lines_of_entries_that_are_left_out_are_right_in_both_forms(own_file: Path) -> None:
    entries = "- {id: a, title: T, cause: C, remedy: R, patterns: [quota]}\n- {id: B}\n- nothing\n"
    for before in ("", "contexts: {}\nentries:\n"):
        own_file.write_text(before + entries)
        read = load(own_file)
        first = before.count("\n") + 1
        assert [f"line {first + number}" in problem for number, problem in zip((1, 2), read.problems)] == [True, True]
        assert ("entry B" in read.problems[0], "entry 3" in read.problems[1]) == (True, True)
        assert "a" in read.entries


def test_the_users_file_is_in_the_home_that_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AML_DEPLOY_HOME", str(tmp_path))
    assert user_file() == tmp_path / "remedies.yml"
    monkeypatch.delenv("AML_DEPLOY_HOME")
    assert user_file().name == "remedies.yml" and user_file().parent.name == "aml-deploy"
