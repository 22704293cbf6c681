"""Creates and checks access tokens: RS256 JSON Web Tokens with Entra ID's claims, for the rehearsal only."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tui.common.write_atomic import write_atomic

SHORT_TOKEN_SECONDS = 5  # of the scenario short-tokens
ACCESS_TOKEN_SECONDS = 3599


class TokenRefused(Exception):
    """A token is not accepted; `expired` if that is the only reason."""

    def __init__(self, message: str, *, expired: bool = False) -> None:
        super().__init__(message)
        self.expired = expired


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class TokenSigner:
    """Creates and checks tokens with one RSA key, which is stored in a private file."""

    def __init__(self, key: rsa.RSAPrivateKey) -> None:
        self._key = key
        numbers = key.public_key().public_numbers()
        self._modulus = _encode(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big"))
        self._exponent = _encode(numbers.e.to_bytes(3, "big"))
        self.key_id = _encode(hashlib.sha256(self._modulus.encode()).digest()[:20])

    @classmethod
    def load(cls, path: Path) -> TokenSigner:
        """Read the key, or create one (mode 0600). Raises OSError."""
        try:
            key = serialization.load_pem_private_key(path.read_bytes(), None)
            if isinstance(key, rsa.RSAPrivateKey):
                return cls(key)
        except (FileNotFoundError, ValueError):
            pass
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        write_atomic(path, pem, mode=0o600)
        return cls(key)

    def public_keys(self) -> dict[str, Any]:
        """The key set, as at `discovery/v2.0/keys`."""
        return {
            "keys": [
                {
                    "kty": "RSA",
                    "use": "sig",
                    "alg": "RS256",
                    "kid": self.key_id,
                    "n": self._modulus,
                    "e": self._exponent,
                }
            ]
        }

    def sign(self, claims: Mapping[str, Any]) -> str:
        """A signed token with these claims."""
        header = {"typ": "JWT", "alg": "RS256", "kid": self.key_id, "x5t": self.key_id}
        signed = f"{_encode(json.dumps(header).encode())}.{_encode(json.dumps(dict(claims)).encode())}"
        return f"{signed}.{self.signature(signed)}"

    def signature(self, text: str) -> str:
        """The signature of a text, in base64 for URLs."""
        return _encode(self._key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))

    def has_signed(self, text: str, signature: str) -> bool:
        """Whether this is the signature of a text."""
        try:
            self._key.public_key().verify(_decode(signature), text.encode(), padding.PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, ValueError):
            return False
        return True

    def verify(self, token: str) -> dict[str, Any]:
        """The claims of a valid token of this rehearsal. Raises TokenRefused."""
        try:
            header, payload, signature = token.split(".")
            if json.loads(_decode(header)).get("alg") != "RS256":
                raise TokenRefused("The token is not signed with RS256.")
            if not self.has_signed(f"{header}.{payload}", signature):
                raise TokenRefused("The token's signature is not this rehearsal's.")
            claims: dict[str, Any] = json.loads(_decode(payload))
        except (ValueError, AttributeError, TypeError) as error:
            raise TokenRefused("The token is not a JSON Web Token.") from error
        now = time.time()
        if claims.get("exp", 0) <= now:
            raise TokenRefused("The token has expired.", expired=True)
        return claims


def access_claims(
    *, origin: str, tenant: str, audience: str, object_id: str, client_id: str, kind: str, lifetime: int
) -> dict[str, Any]:
    """The claims of an application's access token in Entra ID's v1 format; `lifetime` is in seconds."""
    now = int(time.time())
    return {
        "aud": audience,
        "iss": f"{origin}/{tenant}/",
        "iat": now,
        "nbf": now,
        "exp": now + lifetime,
        "aio": _encode(os.urandom(24)),
        "appid": client_id,
        "appidacr": "2" if kind == "managed identity" else "1",
        "idp": f"{origin}/{tenant}/",
        "idtyp": "app",
        "oid": object_id,
        "rh": "0.",
        "sub": object_id,
        "tid": tenant,
        "uti": _encode(uuid.uuid4().bytes),
        "ver": "1.0",
    }
