"""No response body, however corrupted, raises an error outside the tree."""

from __future__ import annotations

import pytest
from bodies.trial import OPERATIONS, trials


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_an_invalid_body_is_a_prov_error(operation_id: str) -> None:
    assert list(trials(operation_id, count=400, seed=1)) == []
