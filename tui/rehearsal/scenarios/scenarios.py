"""The scenarios: failures on demand, for rehearsals and tests. Standard library only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tui.rehearsal.files import Watched, replace_json
from tui.rehearsal.places import Home
from tui.rehearsal.process import UsageError
from tui.rehearsal.scenarios.failures import FAILURES
from tui.rehearsal.scenarios.refusals import REFUSALS, SCORING_ANSWERS, STORAGE_REFUSALS
from tui.rehearsal.settings import chosen_scenarios


class Scenario(NamedTuple):
    """One failure on demand: a description, the affected part, and the source of its codes and sentences."""

    about: str
    disturbs: str
    words: str = "documented"


_OTHERS = {
    # Sign-in.
    "secret-expired": Scenario("The service principal's secret has expired: AADSTS7000222.", "sign-in"),
    "application-unknown": Scenario("The service principal is not in the tenant: AADSTS700016.", "sign-in"),
    "identity-unavailable": Scenario(
        "The machine has no managed identity: no credential of the chain returns a token.",
        "sign-in",
        "documented; the body is guessed",
    ),
    "short-tokens": Scenario("Access tokens are valid for five seconds.", "sign-in", "a real expiry, sooner"),
    "expired-tokens": Scenario(
        "One in four polls of an operation answers 401, ExpiredAuthenticationToken.",
        "sign-in",
        "reported (hashicorp/terraform-provider-azurerm 20867)",
    ),
    "clock-skew": Scenario(
        "Azure's clock is ten minutes ahead of this machine's: tokens and responses are dated in the future.",
        "sign-in",
        "as it would be",
    ),
    # Permissions
    "signin-forbidden": Scenario(
        "The identity has no role: Resource Manager answers 403 to all requests.", "Resource Manager"
    ),
    "endpoint-forbidden": Scenario(
        "The identity may not write endpoints: 403, AuthorizationFailed.", "Resource Manager"
    ),
    "identity-missing": Scenario(
        "The user-assigned identity that a plan names for its endpoint does not exist.",
        "Resource Manager",
        "404 documented; the refusal of the endpoint guessed",
    ),
    "assets-forbidden": Scenario(
        "The identity may not register models, code and environments: 403, AuthorizationFailed.", "Resource Manager"
    ),
    "quota": Scenario(
        "No cores are left in any family: a deployment is refused at once.", "Resource Manager", "recorded"
    ),
    "no-build-compute": Scenario("The workspace has no compute for building images.", "workspace", "documented member"),
    "approved-outbound": Scenario(
        "The managed virtual network allows only approved outbound traffic: what no outbound rule allows is closed to "
        "deployments.",
        "workspace",
        "documented member; a real network",
    ),
    # The network
    "throttling": Scenario(
        "One in three requests to Resource Manager answers 429 with Retry-After 1.", "Resource Manager"
    ),
    "throttling-no-hint": Scenario(
        "One in three requests to Resource Manager answers 429 without Retry-After.",
        "Resource Manager",
        "documented status",
    ),
    "read-limits": Scenario(
        "Published limits are enforced for an identity: 250 reads of a subscription at once and 25 a second, 15 "
        "queries of Resource Graph in 5 seconds.",
        "Resource Manager",
        "documented figures; words reported (velero-io/velero 9171, Azure/azure-cli-extensions 3325)",
    ),
    "graph-forbidden": Scenario(
        "Resource Graph answers 403 to every query.", "Resource Manager", "reported (microsoft/ARI 255)"
    ),
    "graph-partial": Scenario(
        "Resource Graph lags: it does not know one workspace and what is in it.", "Resource Manager", "as it would be"
    ),
    "server-errors": Scenario("One in three polls of an operation answers 500.", "Resource Manager"),
    "gateway-errors": Scenario(
        "One in three requests to Resource Manager answers 503 in a gateway's HTML, not JSON.",
        "Resource Manager",
        "guessed words",
    ),
    "connection-reset": Scenario(
        "One in ten requests to Resource Manager is cut off without a response.", "network", "a real reset"
    ),
    "storage-reset": Scenario(
        "One in three upload requests to storage is cut off in the middle.", "network", "a real reset"
    ),
    "slow-storage": Scenario("Every request to storage takes half a second longer.", "network", "a real delay"),
    "scoring-reset": Scenario("Scoring calls are cut off without a response.", "network", "a real reset"),
    "scoring-host-unresolved": Scenario(
        "The scoring URI's name cannot be resolved on this machine.", "network", "a real look-up, of a name in .invalid"
    ),
    "storage-host-unresolved": Scenario(
        "The storage account's name cannot be resolved on this machine.",
        "network",
        "a real look-up, of a name in .invalid",
    ),
    "public-names": Scenario(
        "The workspace's own names are those of public Azure, which resolve to public addresses. They are only named: "
        "scoring, storage and Resource Manager stay local.",
        "network",
        "documented names",
    ),
}


SCENARIOS = {
    **{name: Scenario(item.about, item.on, item.words) for name, item in FAILURES.items()},
    **{name: Scenario(item.about, "Resource Manager", item.words) for name, item in REFUSALS.items()},
    **{name: Scenario(item.about, "storage", item.words) for name, item in STORAGE_REFUSALS.items()},
    **{name: Scenario(item.about, "scoring", item.words) for name, item in SCORING_ANSWERS.items()},
    **_OTHERS,
}
NONE = "none"
# Multiples of the golden ratio are spread evenly, and do not coincide with any rhythm.
_GOLDEN = (5**0.5 - 1) / 2


def listing() -> str:
    """All scenarios, one per line: name and description."""
    width = max(map(len, SCENARIOS))
    return "\n".join(f"{name:{width}}  {item.about}" for name, item in SCENARIOS.items())


def checked(names: Iterable[str]) -> list[str]:
    """The names in order, without duplicates; `none` means no scenario. Raises UsageError for an unknown one."""
    chosen = sorted(set(names) - {NONE})
    for name in chosen:
        if name not in SCENARIOS:
            raise UsageError(f"There is no scenario '{name}'. List them with: aml-deploy rehearsal --list-scenarios.")
    return chosen


def select(home: Home, names: Iterable[str]) -> None:
    """Activate exactly these scenarios, also in a running rehearsal.

    Raises UsageError for an unknown name, and OSError.
    """
    replace_json(home.scenarios_file, checked(names))


class Active:
    """The active scenarios."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._names = Watched(home.scenarios_file, self._read)
        self._counts: dict[str, int] = {}

    def _read(self) -> frozenset[str]:
        self._counts.clear()
        return frozenset(chosen_scenarios(self._home))

    @property
    def names(self) -> frozenset[str]:
        """The names of all active scenarios."""
        return frozenset(self._names.now)

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def one_in(self, name: str, times: int) -> bool:
        """True for one in `times` calls while the scenario is active; the same calls after each activation.

        Not at regular intervals: a client with a regular rhythm would hit all of them, or none.
        """
        return name in self and (self._count(name) * _GOLDEN) % 1 < 1 / times

    def first(self, name: str, times: int) -> bool:
        """True for the first `times` calls since the scenario was activated; always if `times` is 0."""
        return name in self and (times == 0 or self._count(name) <= times)

    def _count(self, name: str) -> int:
        self._counts[name] = self._counts.get(name, 0) + 1
        return self._counts[name]
