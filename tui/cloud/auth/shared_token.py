"""Shares an identity's tokens among all clients, so that each is requested once."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from typing import Any

from tui.cloud.auth.sign_in_errors import explain_answer
from tui.cloud.http.retry import last_answer
from tui.common import redact


class SharedToken:
    """A credential that gives each scope's token to everybody until shortly before its end; thread-safe."""

    def __init__(self, identity: Any) -> None:
        """`identity` is a credential of azure-identity."""
        self.identity = identity
        self._locks: defaultdict[tuple[str, ...], threading.Lock] = defaultdict(threading.Lock)
        self._known: dict[tuple[str, ...], tuple[float, Any]] = {}

    def get_token(self, *scopes: str, claims: str | None = None, **options: Any) -> Any:
        """As in azure-core's TokenCredential; for the `claims` of a challenge, a new token is always requested.

        Raises CloudError if what answered cannot be the sign-in service, and what the credential raises.
        """
        with self._locks[scopes]:
            until, token = self._known.get(scopes, (0.0, None))
            if claims or time.time() >= until:
                token = self._requested(*scopes, **({"claims": claims} if claims else {}), **options)
                redact.learn(str(token.token))
                left = float(token.expires_on) - time.time()
                kept = min(left - 300, 600) if left > 600 else left / 2
                self._known[scopes] = (time.time() + kept, token)
            return token

    def _requested(self, *scopes: str, **options: Any) -> Any:
        with last_answer() as answers:
            try:
                return self.identity.get_token(*scopes, **options)
            except Exception as error:
                told = explain_answer(error, answers[0]) if answers else None
                if told is None:
                    raise
                raise told from None

    def forget(self) -> None:
        """Discard the tokens, so that new ones are requested: one was refused."""
        self._known.clear()
