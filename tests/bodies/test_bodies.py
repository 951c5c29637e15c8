"""No body of an answer, however damaged, makes an error that is not of the tree."""

from __future__ import annotations

import pytest
from bodies.trial import OPERATIONS, trials


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_what_cannot_be_read_is_an_error_of_ours(operation_id: str) -> None:
    assert list(trials(operation_id, count=400, seed=1)) == []
