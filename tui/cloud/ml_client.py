"""Access to azure-ai-ml's `MLClient`, through which all changes in Azure go that its public API supports.

Its import takes 1.1 to 2.4 s, so it is created for the first change. Operations that it starts are followed by our own
`Operation`, with a limit, a stop, and an address with which another process can continue.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Callable, TypeVar

from tui.cloud.error_explanations import explain
from tui.cloud.errors import CHANGING, REFUSALS, CloudError
from tui.cloud.http import sdk_import
from tui.cloud.http.arm import ENDPOINTS, Answer, refusal
from tui.cloud.http.operation import Operation
from tui.plan.sdk_entities import Entity

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

    from tui.cloud.session import Cloud

Value = TypeVar("Value")
Made = TypeVar("Made")


def entity(wanted: Any) -> Any:
    """The object of `azure.ai.ml.entities` for an entity, or a tree of them."""
    sdk_import.import_sdk()
    from azure.ai.ml import entities

    if isinstance(wanted, Entity):
        arguments = {name: entity(item) for name, item in wanted.arguments.items()}
        try:
            return getattr(entities, wanted.kind)(**arguments)
        except Exception as error:
            raise explain(error, f"making the SDK's {wanted.kind}") from None
    if isinstance(wanted, Mapping):
        return {name: entity(item) for name, item in wanted.items()}
    return [entity(item) for item in wanted] if isinstance(wanted, (list, tuple)) else wanted


def call(cloud: Cloud, ask: Callable[[MLClient], Value], doing: str) -> Value:
    """Call `ask` with the client and return its result. Raises CloudError."""
    from tui.cloud.http.sdk_transport import watching

    client = cloud.ml_client
    with watching():
        try:
            return ask(client)
        except Exception as error:
            raise explain(error, doing) from None


def begin(
    cloud: Cloud,
    ask: Callable[[MLClient], object],
    resource: str,
    version: str,
    finish: Callable[[], Made],
    what: str,
    doing: str,
    action: str = "",
    deletes: bool = False,
    there: Iterable[str] = (),
) -> Operation[Made]:
    """Start an operation by a `begin_…` method of the client, which `ask` calls.

    `resource` is the Resource Manager id of what it changes, `action` the last part of the path for a POST.
    `version` is the API version for reading the resource, and `finish` returns the result. `there` are ids of existing
    resources that the SDK would send again unnecessarily. Raises CloudError.
    """
    from tui.cloud.http.sdk_transport import watching

    client = cloud.ml_client
    with watching(f"{resource}{f'/{action}' if action else ''}", there) as watched:
        failed: Exception | None = None
        try:
            ask(client)
        except Exception as error:
            failed = error
    answer: Answer | None = watched.answer
    if answer is None or answer.status >= 400:
        refused = refusal(answer, doing) if answer is not None else explain(failed or _not_sent(what), doing)
        raise with_state(cloud, resource, refused)
    # The service has started it, even if the SDK could not process the response.
    return Operation(cloud.arm, answer, resource, version, finish, what, deletes=deletes)


def with_state(cloud: Cloud, resource: str, error: CloudError) -> CloudError:
    """The refusal of a change of an endpoint or deployment, with the state that the resource had right after it.

    Of an endpoint's deployments and of a deployment's endpoint, one that is being changed counts.
    """
    if error.status not in REFUSALS:
        return error
    endpoint, _, name = resource.partition("/deployments/")
    inside = f"{endpoint}/deployments/{name}" if name else f"{endpoint}/deployments"
    states: list[str] = []
    with contextlib.suppress(CloudError):
        for path in (endpoint, inside):
            answer = cloud.arm.ask("GET", path, ENDPOINTS, retry=False)
            body = answer.body if answer.status == 200 and isinstance(answer.body, dict) else {}
            found = body.get("value") or [] if path.endswith("/deployments") else [body]
            states += [str((one.get("properties") or {}).get("provisioningState") or "") for one in found]
            if answer.status == 404 and path == endpoint:
                states = ["absent"]
                break
    error.state = next((state for state in states if state in CHANGING), next(filter(None, states), ""))
    return error


def _not_sent(what: str) -> Exception:
    return RuntimeError(f"azure-ai-ml reported no response for {what}.")
