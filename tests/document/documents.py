"""Parametrizes tests with the documents."""

from __future__ import annotations

import pytest
from api_document import DOCUMENT_PATHS

EVERY_DOCUMENT = pytest.mark.parametrize("path", DOCUMENT_PATHS, ids=lambda path: path.stem)
