"""Fills in the provider's forms as a user would, without a browser."""

from __future__ import annotations

from html.parser import HTMLParser

import httpx

from prov_facade import DeviceLogin

_MAX_PAGES = 8  # there are four


class _Page(HTMLParser):
    """A page of the provider.

    Attributes:
        title: Its title.
        action: The address of its form; empty without a form.
        fields: The fields of the form.
        links: The targets of its links.
    """

    def __init__(self, response: httpx.Response) -> None:
        super().__init__()
        self.title = ""
        self.action = ""
        self.fields: dict[str, str] = {}
        self.links: list[str] = []
        self._within = ""
        self.feed(response.raise_for_status().text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._within, named = tag, dict(attrs)
        if tag == "form":
            self.action = named["action"] or ""
        elif tag == "input" and named.get("name"):
            self.fields[named["name"] or ""] = named.get("value") or ""
        elif tag == "a":
            self.links.append(named["href"] or "")

    def handle_data(self, data: str) -> None:
        if self._within == "title":
            self.title += data.strip()

    def handle_endtag(self, _: str) -> None:
        self._within = ""


def approve(login: DeviceLogin, name: str = "ann") -> list[str]:
    """Approve a login, and return the titles of the visited pages.

    Args:
        login: The login.
        name: The user name.
    """
    with _browser() as browser:
        page = _Page(browser.get(login.link))
        seen = [page.title]
        while page.action:
            assert len(seen) < _MAX_PAGES, seen
            if "password" in page.fields:
                page.fields |= {"login": name, "password": "anything"}
            page = _Page(browser.post(page.action, data=page.fields))
            seen.append(page.title)
        return seen


def deny(login: DeviceLogin) -> None:
    """Deny a login on the page that shows its code."""
    with _browser() as browser:
        confirm = _confirm(browser, login)
        browser.post(confirm.action, data={**confirm.fields, "abort": "yes"}).raise_for_status()


def cancel(login: DeviceLogin) -> None:
    """Deny a login later, on the sign-in page."""
    with _browser() as browser:
        confirm = _confirm(browser, login)
        page = _Page(browser.post(confirm.action, data=confirm.fields))
        assert "password" in page.fields
        browser.get(page.links[0]).raise_for_status()


def _confirm(browser: httpx.Client, login: DeviceLogin) -> _Page:
    page = _Page(browser.get(login.link))
    page = _Page(browser.post(page.action, data=page.fields))
    assert page.fields["confirm"] == "yes"
    return page


def _browser() -> httpx.Client:
    return httpx.Client(follow_redirects=True, timeout=30)
