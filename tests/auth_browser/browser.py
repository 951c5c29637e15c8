"""A headless Chromium, operated as a user would."""

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

_TIMEOUT = 30  # seconds


class Browser:
    """A browser that takes a screenshot of every page.

    Args:
        folder: The directory for the screenshots.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._screenshots = 0

    def __enter__(self) -> Self:
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        options.add_argument("--headless=new")
        options.add_argument(f"--user-data-dir={self._folder / 'profile'}")
        # Only this machine is reachable: the provider's pages request a font from another host.
        options.add_argument("--no-proxy-server")
        options.add_argument("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
        options.add_argument("--disable-dev-shm-usage")
        if os.getuid() == 0:
            options.add_argument("--no-sandbox")  # Chromium has no sandbox for root
        service = webdriver.ChromeService(DRIVER)
        self._driver = webdriver.Chrome(options, service)
        self._driver.set_page_load_timeout(_TIMEOUT)
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
        """Wait for a page with a heading, take a screenshot, and return its text."""
        self._until(conditions.text_to_be_present_in_element(("css selector", "h1"), heading))
        self._screenshots += 1
        name = f"{self._screenshots}-{'-'.join(heading.lower().split())}.png"
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
        # While one page replaces another, any query may fail.
        wait = waiting.WebDriverWait(
            self._driver, _TIMEOUT, ignored_exceptions=[exceptions.WebDriverException]
        )
        return wait.until(condition)


def _labelled(driver: Any, text: str) -> Any:
    found = driver.find_elements("css selector", "button, a")
    return next((element for element in found if element.text == text), None)
