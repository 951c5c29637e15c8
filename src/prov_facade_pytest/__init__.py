"""A pytest plugin: the fixture ``prov_sandbox``. It is there wherever prov-facade is installed.

A package of its own, since pytest imports its plugins whenever it starts, and with a module of
``prov_facade`` comes all of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from prov_facade.sandbox import Sandbox


@pytest.fixture
def prov_sandbox_options() -> dict[str, Any]:
    """What ``prov_sandbox`` gives to ``Sandbox``. Define a fixture of this name to change it."""
    return {}


@pytest.fixture
def prov_sandbox(prov_sandbox_options: dict[str, Any]) -> Iterator[Sandbox]:
    """A sandbox of its own for each test; needs the extra ``sandbox``."""
    # Not at the top: that takes time, and without the extra, nothing but this fixture may fail.
    from prov_facade.sandbox import Sandbox  # noqa: PLC0415

    with Sandbox(**prov_sandbox_options) as sandbox:
        yield sandbox
