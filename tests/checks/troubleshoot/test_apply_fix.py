"""Which fixes can be applied at all; what each changes is tried against the rehearsal."""

from __future__ import annotations

from typing import Any, cast

import pytest

from tui.checks.troubleshoot.apply_fix import apply_fix
from tui.cloud.errors import CloudError


def test_an_unknown_fix_changes_nothing() -> None:
    no_cloud = cast(Any, None)  # asked for nothing
    with pytest.raises(CloudError) as raised:
        apply_fix(no_cloud, "churn", "explode", {})
    assert raised.value.code == "UnknownFix"
    assert "set_traffic" in raised.value.cause
