"""Prices: asked once a day, told from the table where nobody answers, never those of Windows or Spot."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tui.cloud.workspace import prices


def item(product: str, sku: str, price: float, **more: Any) -> dict[str, Any]:
    """An item as the API answers it, with the fields of Microsoft's description."""
    return {
        "currencyCode": "USD", "retailPrice": price, "unitPrice": price, "armRegionName": "eastus2",
        "productName": product, "skuName": sku, "meterName": sku, "serviceName": "Virtual Machines",
        "unitOfMeasure": "1 Hour", "type": "Consumption", "armSkuName": "Standard_DS3_v2", **more,
    }  # fmt: skip


ITEMS = [
    item("Virtual Machines DSv2 Series Windows", "DS3 v2", 0.37),
    item("Virtual Machines DSv2 Series", "DS3 v2 Spot", 0.04),
    item("Virtual Machines DSv2 Series", "DS3 v2 Low Priority", 0.05),
    item("Virtual Machines DSv2 Series", "DS3 v2", 1999.0, unitOfMeasure="1 Year"),
]
RIGHT = item("Virtual Machines DSv2 Series", "DS3 v2", 0.25)


class Service:
    """A stand-in on loopback that answers in two pages and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, list[str]]] = []
        self.broken = False
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                query = parse_qs(urlsplit(self.path).query)
                service.asked.append(query)
                if service.broken:
                    self.send_error(503)
                    return
                second = "page" in query
                more = None if second else f"{service.address}?page=2"
                body = json.dumps({"Items": [RIGHT] if second else ITEMS, "NextPageLink": more, "Count": 4}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}/api/retail/prices"


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    made = Service()
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()


def estimated(address: str, cache: Path, size: str = "Standard_DS3_v2", **more: Any) -> prices.Estimate:
    given: dict[str, Any] = {"private": True, "managed_network": False, "address": address, **more}
    return prices.estimate(size, 3, "East US 2", environ={"AML_DEPLOY_CACHE": str(cache)}, **given)


def test_the_price_is_that_of_a_plain_linux_machine(service: Service, tmp_path: Path) -> None:
    found = estimated(service.address, tmp_path)
    assert (found.hour, found.month, found.source, found.region) == (0.75, 547.5, "api", "eastus2")
    asked = service.asked[0]
    assert asked["$filter"] == [
        "serviceName eq 'Virtual Machines' and armRegionName eq 'eastus2' and armSkuName eq 'Standard_DS3_v2' "
        "and priceType eq 'Consumption'"
    ]
    assert any("Private endpoints" in line for line in found.extras)


def test_it_is_asked_once_a_day(service: Service, tmp_path: Path) -> None:
    first = estimated(service.address, tmp_path)
    count = len(service.asked)
    assert estimated(service.address, tmp_path) == first
    assert len(service.asked) == count
    (kept,) = (tmp_path / "prices").glob("*.json")
    old = json.loads(kept.read_text())
    kept.write_text(json.dumps({**old, "fetched": time.time() - 90_000}))
    assert estimated(service.address, tmp_path).hour == first.hour
    assert len(service.asked) == 2 * count


@pytest.mark.parametrize("kept", ["", "[]", '{"fetched": "x"}', '{"fetched": 1}'])
def test_a_broken_cache_is_asked_anew(service: Service, tmp_path: Path, kept: str) -> None:
    (tmp_path / "prices").mkdir()
    (tmp_path / "prices" / "Standard_DS3_v2-eastus2.json").write_text(kept)
    assert estimated(service.address, tmp_path).source == "api"


def test_where_nobody_answers_the_table_is_shown_as_such(service: Service, tmp_path: Path) -> None:
    service.broken = True
    found = estimated(service.address, tmp_path)
    assert found.source == "table" and found.hour is not None
    assert "table" in found.note and "2026-11-22" in found.note
    assert len(service.asked) == 1
    assert estimated(service.address, tmp_path).source == "table"
    assert len(service.asked) == 1  # not asked again at once


def test_a_rehearsal_asks_nobody(service: Service, tmp_path: Path) -> None:
    assert estimated(service.address, tmp_path, ask=False, managed_network=True).source == "table"
    assert not service.asked


def test_an_unknown_size_has_no_price_and_says_so(service: Service, tmp_path: Path) -> None:
    service.broken = True
    found = estimated(service.address, tmp_path, size="Standard_Unheard_v9")
    assert (found.hour, found.month, found.source) == (None, None, "none")
    assert "Standard_Unheard_v9" in found.note
    assert estimated(service.address, tmp_path, size="x' or 'a' eq 'a").hour is None
