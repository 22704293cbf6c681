"""The page at the portal's address in the rehearsal: an explanation, and the state of the endpoints.

The address must end in `/portal.azure.com`: the SDK composes the host of Azure Machine Learning from what follows the
second dot of the portal's address, and `ml.azure.com` is used in tokens and names. It is preceded by a secret word,
since a browser sends no token and other users of the machine can reach the port. The full address is returned only to
clients that request the cloud's metadata with that word, which `rehearsal --env` prints.
"""

from __future__ import annotations

import hmac
from html import escape
from typing import Any

from aiohttp import web

from tui.rehearsal.online_endpoints.endpoints import KIND, deployments_of
from tui.rehearsal.service import SERVICE, Service

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


_CLOSED = (
    "This is the rehearsal of aml-deploy, not Azure. Only the user who started it can open its page: its address is "
    "shown with each run, and is part of the metadata at ARM_CLOUD_METADATA_URL of aml-deploy rehearsal --env.\n"
)


def portal_address(service: Service, word: str = "") -> str:
    """The portal's address in the metadata of the cloud, without a final slash.

    Without the word, the address of a page that shows nothing.
    """
    # By name, since the host must not contain a dot.
    host = f"https://localhost:{service.origin.rpartition(':')[2]}"
    return f"{host}/{word}/portal.azure.com" if _knows(service, word) else f"{host}/portal.azure.com"


def _knows(service: Service, word: str) -> bool:
    return hmac.compare_digest(word.encode("utf-8", "replace"), service.seed.portal_word.encode())


def _state(service: Service) -> list[dict[str, Any]]:
    """Workspaces with their endpoints and deployments: names, states and traffic; no addresses, no keys."""
    found = []
    for workspace in service.workspaces.all():
        endpoints = [
            {
                "name": endpoint.name,
                "id": endpoint.body["id"],
                "provisioningState": endpoint.properties["provisioningState"],
                "traffic": endpoint.properties["traffic"],
                "deployments": [
                    {"name": item.name, "provisioningState": item.properties["provisioningState"]}
                    for item in deployments_of(service, endpoint)
                ],
            }
            for endpoint in service.store.children(workspace.id, KIND)
        ]
        found.append({"name": workspace.name, "id": workspace.id, "endpoints": endpoints})
    return found


def _page(workspaces: list[dict[str, Any]]) -> str:
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8"><title>Rehearsal</title></head><body>',
        "<h1>A rehearsal, not Azure</h1>",
        "<p>This is aml-deploy's local stand-in for Azure Machine Learning. In Azure, the portal would be here. "
        "The rehearsal's endpoints:</p>",
    ]
    for workspace in workspaces:
        # Target of the address's fragment: the portal's addresses have #resource and the resource's id.
        lines.append(f'<section id="resource{escape(workspace["id"])}"><h2>Workspace {escape(workspace["name"])}</h2>')
        if not workspace["endpoints"]:
            lines.append("<p>No endpoints.</p>")
        for endpoint in workspace["endpoints"]:
            lines.append(
                f'<h3 id="resource{escape(endpoint["id"])}">Endpoint {escape(endpoint["name"])}: '
                f"{escape(endpoint['provisioningState'])}</h3><ul>"
            )
            for item in endpoint["deployments"]:
                share = endpoint["traffic"].get(item["name"], 0)
                state = escape(item["provisioningState"])
                lines.append(f"<li>Deployment {escape(item['name'])}: {state}, {share} % of the traffic</li>")
            lines.append("</ul>" if endpoint["deployments"] else "<li>No deployments.</li></ul>")
        lines.append("</section>")
    return "\n".join([*lines, "</body></html>\n"])


async def read_portal(request: web.Request) -> web.Response:
    """`GET /{word}/portal.azure.com`: a page, or JSON if requested; 401 without the word."""
    service = request.app[SERVICE]
    if not _knows(service, request.match_info.get("word", "")):
        return web.Response(status=401, text=_CLOSED, headers=_HEADERS)
    state = _state(service)
    if "application/json" in request.headers.get("Accept", ""):
        return web.json_response({"rehearsal": True, "workspaces": state}, headers=_HEADERS)
    return web.Response(text=_page(state), content_type="text/html", charset="utf-8", headers=_HEADERS)


ROUTES = [web.get(f"{word}/portal.azure.com{slash}", read_portal) for word in ("", "/{word}") for slash in ("", "/")]
