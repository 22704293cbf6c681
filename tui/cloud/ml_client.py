"""`MLClient` of azure-ai-ml, through which everything goes that changes Azure and that it offers in public.

Its import takes 1.1 to 2.4 s, so it is made at the first change. What it begins is followed by our own `Operation`,
with a limit, a stop, and an address by which another process goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Callable, TypeVar

from tui.cloud.error_explanations import explain
from tui.cloud.http import sdk_import
from tui.cloud.http.arm import Answer, refusal
from tui.cloud.http.operation import Operation
from tui.plan.sdk_entities import Entity

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

    from tui.cloud.session import Cloud

Value = TypeVar("Value")
Made = TypeVar("Made")


def entity(wanted: Any) -> Any:
    """What an entity, or a tree of them, stands for in `azure.ai.ml.entities`."""
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
    """What `ask` gets of the client. Raises CloudError."""
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
    """The operation that a `begin_…` of the client has begun; `ask` calls it.

    `resource` is what it changes, by its Resource Manager id, `action` the last part of the path where it is a POST.
    `version` is the API version in which the resource is read, and `finish` gives what was made. `there` are ids of
    what the SDK would send anew on the way, and need not. Raises CloudError.
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
        raise refusal(answer, doing) if answer is not None else explain(failed or _not_sent(what), doing)
    # The service has begun it, whatever the SDK made of the answer.
    return Operation(cloud.arm, answer, resource, version, finish, what, deletes=deletes)


def _not_sent(what: str) -> Exception:
    return RuntimeError(f"azure-ai-ml told of no answer for {what}.")
