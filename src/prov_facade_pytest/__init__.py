"""A pytest plugin with the fixture ``prov_sandbox``, loaded wherever prov-facade is installed.

It is a separate package because pytest imports plugins at every start, even for test suites that do
not use ``prov_facade``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from prov_facade.sandbox import Sandbox


class SharedSandbox:
    """A sandbox shared by successive tests, and reset to its initial data for each."""

    def __init__(self) -> None:
        self._sandbox: Sandbox | None = None
        self._options: dict[str, Any] = {}

    def get(self, **options: Any) -> Sandbox:
        """Return a running sandbox with only the data of its seed.

        The sandbox of the previous call is reset if it has the same options, and stopped otherwise.

        Args:
            options: The arguments of ``Sandbox``.
        """
        # Imported here because it is slow, and because without the extra "sandbox" only tests that
        # use the fixture should fail.
        from prov_facade.sandbox import Sandbox  # noqa: PLC0415

        if self._sandbox is not None and self._sandbox.is_running and options == self._options:
            self._sandbox.reset()
        else:
            self.stop()
            self._sandbox, self._options = Sandbox(**options).start(), options
        return self._sandbox

    def stop(self) -> None:
        """Stop the sandbox."""
        if self._sandbox is not None:
            self._sandbox.stop()


@pytest.fixture(scope="session")
def _prov_shared_sandbox() -> Iterator[SharedSandbox]:
    shared = SharedSandbox()
    yield shared
    shared.stop()


@pytest.fixture
def prov_sandbox_options() -> dict[str, Any]:
    """The arguments of ``Sandbox`` for ``prov_sandbox``. Override this fixture to change them."""
    return {}


@pytest.fixture
def prov_sandbox(
    prov_sandbox_options: dict[str, Any], _prov_shared_sandbox: SharedSandbox
) -> Iterator[Sandbox]:
    """A sandbox with only the data of its seed; needs the extra ``sandbox``.

    Tests with the same options share a running sandbox, which is reset before each test. With the
    option ``state``, each test starts a sandbox on that file and stops it: a reset would delete the
    data in the file.
    """
    shared = SharedSandbox() if prov_sandbox_options.get("state") else _prov_shared_sandbox
    yield shared.get(**prov_sandbox_options)
    if shared is not _prov_shared_sandbox:
        shared.stop()
