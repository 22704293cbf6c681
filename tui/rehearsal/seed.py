"""The rehearsal's own secrets, derived from one random seed, so that they survive a restart."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from pathlib import Path

from tui.rehearsal.files import replace_json

# Fixed, so that examples and recordings of the rehearsal stay comparable. They have no meaning elsewhere.
SUBSCRIPTION_ID = "5eed0000-0000-4000-8000-00000000a001"
TENANT_ID = "5eed0000-0000-4000-8000-00000000b001"
CLIENT_ID = "5eed0000-0000-4000-8000-00000000c001"
CLIENT_OBJECT_ID = "5eed0000-0000-4000-8000-00000000c002"
MANAGED_IDENTITY_CLIENT_ID = "5eed0000-0000-4000-8000-00000000d001"
MANAGED_IDENTITY_OBJECT_ID = "5eed0000-0000-4000-8000-00000000d002"


class Seed:
    """A random seed and the values derived from it. Only the seed is written, to a file with mode 0600."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed

    @classmethod
    def load(cls, path: Path) -> Seed:
        """Read the seed, or create one. Raises OSError. Callers hold a lock, so there is one writer."""
        try:
            return cls(bytes.fromhex(json.loads(path.read_text())["seed"]))
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            pass
        seed = os.urandom(32)
        replace_json(path, {"seed": seed.hex()})
        return cls(seed)

    def derive(self, *purpose: str) -> bytes:
        """32 bytes for a purpose."""
        return hmac.new(self._seed, "\n".join(purpose).encode(), hashlib.sha256).digest()

    def text(self, *purpose: str) -> str:
        """Like `derive`, as 43 characters that are safe in a URL and a shell."""
        return base64.urlsafe_b64encode(self.derive(*purpose)).decode().rstrip("=").replace("-", "x")

    def guid(self, *purpose: str) -> str:
        """A GUID for a purpose."""
        import uuid

        return str(uuid.UUID(bytes=self.derive(*purpose)[:16], version=4))

    @property
    def client_secret(self) -> str:
        """The secret of the practice service principal."""
        # Like Entra's secrets: forty characters with a tilde.
        text = self.text("client-secret")
        return f"{text[:3]}8Q~{text[3:37]}"

    @property
    def identity_header(self) -> str:
        """The value of X-IDENTITY-HEADER that the managed identity endpoint expects."""
        return self.text("identity-header")

    @property
    def portal_word(self) -> str:
        """The secret word in the address of the portal's page."""
        return self.text("portal")[:24]
