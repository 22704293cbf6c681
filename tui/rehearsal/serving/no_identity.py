"""Refuses the requests of a deployment for its endpoint's identity, by name.

Azure gives a deployment MSI_ENDPOINT and MSI_SECRET (azureml-examples, online/managed/keyvault). Without them
azure-identity would ask the metadata service of this machine, whose identity is a real one.
"""

from __future__ import annotations

import json
import re

from aiohttp import web

SENTENCE = "The rehearsal gives deployments no managed identity and no Key Vault"
FRAME = re.compile(r'File "[^"]*/azure/(identity|keyvault)/')
"""A line of a traceback that goes through the packages which need them."""


_BODY = json.dumps({"error": "invalid_request", "error_description": SENTENCE, "message": SENTENCE, "statusCode": 400})
ANSWER = (
    f"HTTP/1.1 400 {SENTENCE}\r\nContent-Type: application/json\r\nContent-Length: {len(_BODY)}\r\n"
    f"Connection: close\r\n\r\n{_BODY}"
)
"""The refusal as bytes on the wire, for the relay of a container."""


async def _refuse(_request: web.BaseRequest) -> web.Response:
    # The reason is what `requests` shows; the others are what azure-identity and MSAL show.
    return web.Response(status=400, reason=SENTENCE, text=_BODY, content_type="application/json")


async def listen() -> tuple[web.ServerRunner, dict[str, str]]:
    """Start to refuse, on a port of 127.0.0.1; return the runner and a container's variables. Raises OSError."""
    runner = web.ServerRunner(web.Server(_refuse))
    await runner.setup()
    # Not over TLS: the container trusts no authority of the rehearsal, and nothing secret passes.
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, {"MSI_ENDPOINT": f"http://127.0.0.1:{runner.addresses[0][1]}/msi/token", "MSI_SECRET": "none"}
