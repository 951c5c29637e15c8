"""One read and one write over one kept connection, beside bare httpx and other clients."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from benchmarks.environments import Environments
from benchmarks.measure import Ratio, Side, interleaved, server


def rows(environments: Environments, rounds: int, seconds: float) -> Iterator[str]:
    with server() as url:
        for kind, target in {"async": 1.0, "sync": 1.1}.items():
            for call in ("read", "write"):
                function = f"{call}_{kind}"
                ours = {
                    "": Side("prov-facade", f"facade:{function}", "ours", (url, "token")),
                    ", callable token": Side(
                        "prov-facade, callable", f"facade:{function}", "ours", (url, "callable")
                    ),
                }
                httpx = Side("httpx", f"bare_httpx:{function}", "httpx", (url,))
                sides = [*ours.values(), httpx]
                taken = interleaved(
                    [(side, environments.python(side.environment)) for side in sides],
                    rounds,
                    seconds,
                )
                us = {
                    name: 1e6 * statistics.median(figures["seconds"] for figures in all_rounds)
                    for name, all_rounds in taken.items()
                }
                for more, side in ours.items():
                    ratio = Ratio.of(taken[side.name], taken["httpx"])
                    cpu = Ratio.of(taken[side.name], taken["httpx"], "cpu")
                    bound = 1.2 if more else target
                    yield (
                        f"{call} {kind + more:22} {us[side.name]:6.0f} us"
                        f"  httpx {us['httpx']:6.0f} us"
                        f"  {ratio.median:.2f} ({ratio.lowest:.2f}-{ratio.highest:.2f})"
                        f"  CPU {cpu.median:.2f} ({cpu.lowest:.2f}-{cpu.highest:.2f})"
                        f"  <= {bound}  {'met' if ratio.median <= bound else 'NOT MET'}"
                    )
