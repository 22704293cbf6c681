"""Next goes to the first error, wherever it is, and shows it in full."""

from __future__ import annotations

import pytest

from tests.app.everything import answers
from tests.app.panes import home, wizard
from tui.app.widgets.field_row import FieldRow

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")


@pytest.mark.parametrize(
    ("step", "key", "wrong"),
    [
        ("credentials", "credential.method", "nobody"),
        ("workspace", "workspace.subscription_id", "not-an-id"),
        ("endpoint", "endpoint.name", "Fraud_Score"),
        ("model", "deployment.environment.conda_file", "no such file"),
        ("compute", "deployment.instance_count", "none"),
        ("compute", "deployment.liveness_probe.period", "soon"),
    ],
)
async def test_next_goes_to_the_first_error_wherever_it_is(step: str, key: str, wrong: str) -> None:
    async with wizard(answers()) as walk:
        await walk.to(step)
        walk.store.put(key, wrong, "you")
        await walk.press("pagedown")
        await walk.sees("Something here needs attention")

        def there() -> bool:
            focused = walk.app.screen.focused
            rows = [part for part in focused.ancestors_with_self if isinstance(part, FieldRow)] if focused else []
            return bool(rows) and rows[0].field.key == key

        await walk.until(there, f"the focus is on {key}")
        assert walk.app.screen.step == step
        row = walk.app.screen.query_one(f"#row-{key.replace('.', '-')}", FieldRow)

        def whole() -> bool:
            return bool(row.error) and walk.app.screen.find_widget(row).visible_region == row.region

        await walk.until(whole, "what is wrong is in sight, all of it")
        await walk.sees("✖")


async def test_what_needs_attention_is_no_longer_said_once_it_is_right() -> None:
    async with wizard(answers()) as walk:
        await walk.to("endpoint")
        await walk.press("end", "_", "pagedown")
        await walk.sees("Something here needs attention")
        await walk.press("end", "backspace")
        await walk.until(lambda: "needs attention" not in walk.text(), "it is right")
        assert "✖" not in walk.text()
