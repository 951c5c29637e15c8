"""An auth manager whose tokens can be renewed."""

from __future__ import annotations

import time

from clients import TOKEN

from prov_facade import AuthManager


class Numbered(AuthManager):
    """An auth manager with numbered tokens, whose renewal can be slow or fail."""

    def __init__(self, delay: float = 0.0, error: Exception | None = None) -> None:
        self.number = 0
        self.delay = delay
        self.error = error

    def get_token(self) -> str:
        return f"{TOKEN}-{self.number}"

    def force_refresh(self) -> None:
        time.sleep(self.delay)
        if self.error:
            raise self.error
        self.number += 1
