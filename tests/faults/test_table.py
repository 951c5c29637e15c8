"""The documentation page on faults matches the rule."""

from __future__ import annotations

from faults.table import PAGE, page


def test_the_page_is_up_to_date() -> None:
    found = PAGE.read_text(encoding="utf-8")
    assert found == page(), "out of date: run PYTHONPATH=tests python -m faults"


def test_the_guide_links_to_the_page() -> None:
    assert "(faults.md)" in (PAGE.parent / "guide.md").read_text(encoding="utf-8")
