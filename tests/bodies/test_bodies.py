"""No response body, however corrupted, raises an error other than a `ProvError`."""

from __future__ import annotations

import pytest
from bodies.trial import OPERATIONS, trials


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_an_invalid_body_raises_only_prov_errors(operation_id: str) -> None:
    assert list(trials(operation_id, count=400, seed=1)) == []
