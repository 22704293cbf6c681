"""Orders findings so that a cause comes before its consequences, which say what they follow from."""

from __future__ import annotations

from dataclasses import replace

from tui.checks.finding import Finding, ordered

# Consequences and their causes, by the beginnings of ids, the best first. With True, both are about one deployment.
_CAUSES: tuple[tuple[tuple[str, ...], tuple[str, ...], bool], ...] = (
    (("deployment-failed", "change-failed"), ("role-missing",), True),
    (("endpoint-state",), ("change-failed",), True),
    (("no-deployment",), ("change-failed",), False),
    (("traffic-broken",), ("deployment-failed", "change-failed"), True),
    (("traffic-zero",), ("deployment-failed", "deployment-under-way"), False),
    (("test-404", "answers-404"), ("no-deployment", "traffic-zero", "traffic-broken"), False),
    (("test-", "answers-"), ("traffic-broken", "deployment-failed"), True),
    (("test-unanswered",), ("reach-scoring",), False),
    (("reach-",), ("private-endpoint-",), False),
    (("latency-close", "test-408", "test-424", "answers-408", "answers-424", "answers-429"), ("load-",), True),
    (("test-408", "answers-408"), ("latency-close",), True),
)

_OF_WORKSPACE = ("v1-legacy-mode", "managed-network")


def in_order(found: list[Finding]) -> list[Finding]:
    """The findings, the worst first, each followed by what follows from it; a cause is as bad as its consequences."""
    found = ordered(found)
    cause = {at: _cause(one, found) for at, one in enumerate(found)}
    below: dict[int | None, list[int]] = {}
    for at, of in cause.items():
        below.setdefault(of, []).append(at)

    def tree(at: int) -> list[int]:
        return [at, *(item for one in below.get(at, ()) for item in tree(one))]

    trees = sorted((tree(at) for at in below.get(None, ())), key=min)
    return [
        one if of is None else replace(one, follows=found[of].id, follows_from=found[of].message)
        for numbers in trees
        for one, of in ((found[at], cause[at]) for at in numbers)
    ]


def _cause(one: Finding, found: list[Finding]) -> int | None:
    """The place of the finding from which another one follows."""
    for ids, causes, same in _CAUSES:
        if not one.id.startswith(ids) or (one.id == "traffic-zero" and one.fixes):
            continue  # traffic that a ready deployment could get does not wait for another one
        for id in causes:
            for at, other in enumerate(found):
                if other.id.startswith(id) and (not same or other.deployment == one.deployment):
                    return at
    twin = one.id.replace("answers-", "test-") if one.id.startswith("answers-") else ""
    return next((at for at, other in enumerate(found) if other is not one and _shares(one, other, twin)), None)


def _shares(one: Finding, other: Finding, twin: str) -> bool:
    """Whether another finding is the same failure, seen by a test call or in the workspace."""
    of_workspace = other.id in _OF_WORKSPACE and one.id not in _OF_WORKSPACE
    same = other.id == twin and other.deployment == one.deployment
    return same or (bool(one.card) and one.card == other.card and of_workspace)
