"""A deployment where a proxy must be used, and one where it must not."""

from __future__ import annotations

import pytest

from tests.hostile.connect_proxy import connect_proxy
from tests.hostile.matrix import Ground
from tests.hostile.proxy import Proxy

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("address", "besides", "through"),
    [("{}", "", True), ("http://{}", "", True), ("http://{}", "127.0.0.1", False)],
    ids=["without a scheme", "with a scheme", "NO_PROXY"],
)
def test_every_connection_of_an_apply_goes_through_the_proxy_or_none(
    ground: Ground, address: str, besides: str, through: bool, request: pytest.FixtureRequest
) -> None:
    name = f"proxied-{request.node.callspec.indices['address']}"
    ground.plan(name)
    with connect_proxy() as company, Proxy(ground.env, ground.certificates[0]) as cloud:
        environ = {key: value for key, value in cloud.environ.items() if "proxy" not in key.lower()}
        environ = {**environ, "HTTPS_PROXY": address.format(company.address), "NO_PROXY": besides}
        done, _ = ground.run("apply", name, environ, 300)
        assert done.returncode == 0, done.stdout + done.stderr
        ground.azure.remove(name)
        assert len(cloud.clients) > 10
        assert cloud.clients & company.ports == (cloud.clients if through else set())
