"""``python -m codegen`` rebuilds the generated packages; ``--check`` only compares them."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from codegen.errors import CodegenError
from codegen.targets import ROOT, TARGETS, TWIN, Target, Twin
from codegen.trees import differences, replace


def run(target: Target | Twin, *, root: Path, check: bool) -> list[str]:
    """Generate one target, then compare it with the checked-in tree or put it in its place.

    Args:
        target: What to generate.
        root: The root of the repository that holds the document and the package.
        check: Compare only, change nothing.

    Returns:
        With ``check``, one line for each file that departs; otherwise nothing.
    """
    package = root / target.package
    with tempfile.TemporaryDirectory() as scratch:
        fresh = Path(scratch) / package.name
        target.build(root, fresh)
        if check:
            return [f"{target.package}: {line}" for line in differences(fresh, package)]
        replace(package, fresh)
    return []


def main(arguments: Sequence[str] | None = None, *, root: Path = ROOT) -> int:
    """Run the command line and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m codegen", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only, change nothing")
    options = parser.parse_args(arguments)
    try:
        departures = [
            line
            for target in (*TARGETS, TWIN)
            for line in run(target, root=root, check=options.check)
        ]
    except CodegenError as error:
        print(f"codegen failed: {error}", file=sys.stderr)
        return 1
    if departures:
        print("The generated tree is not what its source compiles to:", file=sys.stderr)
        print("\n".join(departures), file=sys.stderr)
        print("Run `nox -s codegen`, look at the difference, and commit it.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
