"""The table in docs/ is what a run yields."""

from __future__ import annotations

from collections.abc import Mapping

from facade.clients import ClientKind
from faults.playing import Player
from faults.table import PAGE, page


def test_the_page_is_what_a_run_yields(players: Mapping[ClientKind, Player]) -> None:
    expected = page(players["async"], players["sync"])
    print(expected)
    found = PAGE.read_text(encoding="utf-8")
    assert found == expected, "write it again: PYTHONPATH=tests python -m faults"


def test_the_guide_leads_to_the_page() -> None:
    assert "(faults.md)" in (PAGE.parent / "guide.md").read_text(encoding="utf-8")
