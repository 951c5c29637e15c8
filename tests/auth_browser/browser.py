"""Chromium without a window, as a person uses it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

REASON = "selenium is not installed: nox -s auth_browser"

webdriver = pytest.importorskip("selenium.webdriver", reason=REASON)
exceptions = pytest.importorskip("selenium.common.exceptions", reason=REASON)
waiting = pytest.importorskip("selenium.webdriver.support.wait", reason=REASON)
conditions = pytest.importorskip("selenium.webdriver.support.expected_conditions", reason=REASON)

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
if CHROMIUM is None or DRIVER is None:
    pytest.skip("chromium and chromium-driver are not installed", allow_module_level=True)

_PATIENCE = 30  # seconds, for what takes a moment


class Browser:
    """A browser that keeps a picture of every page that it has shown.

    Args:
        folder: Where the pictures go.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pictures = 0

    def __enter__(self) -> Self:
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        options.add_argument("--headless=new")
        options.add_argument(f"--user-data-dir={self._folder / 'profile'}")
        # To this machine alone: the provider's pages ask for a font from elsewhere.
        options.add_argument("--no-proxy-server")
        options.add_argument("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
        options.add_argument("--disable-dev-shm-usage")
        if os.getuid() == 0:
            options.add_argument("--no-sandbox")  # which Chromium refuses to have as root
        service = webdriver.ChromeService(DRIVER)
        self._driver = webdriver.Chrome(options, service)
        self._driver.set_page_load_timeout(_PATIENCE)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._driver.quit()

    def open(self, address: str) -> None:
        """Go to a page."""
        self._driver.get(address)

    def page(self, heading: str) -> str:
        """Wait for a page with a heading, keep a picture of it, and return what it says."""
        self._until(conditions.text_to_be_present_in_element(("css selector", "h1"), heading))
        self._pictures += 1
        name = f"{self._pictures}-{'-'.join(heading.lower().split())}.png"
        assert self._driver.save_screenshot(str(self._folder / name))
        text: str = self._driver.find_element("css selector", "body").text
        return text

    def type(self, field: str, text: str) -> None:
        """Fill in a field of a form."""
        self._until(conditions.element_to_be_clickable(("name", field))).send_keys(text)

    def click(self, text: str) -> None:
        """Press a button or follow a link."""
        self._until(lambda driver: _labelled(driver, text)).click()

    def _until(self, condition: Any) -> Any:
        # While one page takes the place of another, questions about either may fail in any way.
        wait = waiting.WebDriverWait(
            self._driver, _PATIENCE, ignored_exceptions=[exceptions.WebDriverException]
        )
        return wait.until(condition)


def _labelled(driver: Any, text: str) -> Any:
    found = driver.find_elements("css selector", "button, a")
    return next((element for element in found if element.text == text), None)
