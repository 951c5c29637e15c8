"""``python -m codegen`` rebuilds the generated files; ``--check`` only compares them."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from codegen.errors import CodegenError
from codegen.synchronous import unused_rules
from codegen.targets import EXPORTS, ROOT, SYNC_PACKAGE, TARGETS, Exports, SyncPackage, Target
from codegen.trees import differences, merge, replace


def run(*, root: Path, check: bool) -> list[str]:
    """Generate everything, then compare it with the checked-in files or replace them.

    Args:
        root: The root of the repository.
        check: Compare only, change nothing.

    Returns:
        With ``check``, one line for each file that differs, and for each unused rule of the
        synchronous package; otherwise nothing.

    Raises:
        CodegenError: If something cannot be generated. In that case, nothing is replaced.
    """
    with tempfile.TemporaryDirectory() as scratch:
        documents = Path(scratch) / "documents"
        # The exports list the freshly generated packages, not the checked-in ones.
        steps: list[tuple[Target | Exports | SyncPackage, Path, Path]] = [
            *((target, root, documents) for target in TARGETS),
            (EXPORTS, documents, Path(scratch) / "exports"),
            (SYNC_PACKAGE, root, Path(scratch) / "sync"),
        ]
        for target, source, output in steps:
            (output / target.package).parent.mkdir(parents=True, exist_ok=True)
            target.build(source, output / target.package)
        if check:
            problems = [
                f"{target.package}: {line}"
                for target, _, output in steps
                for line in differences(
                    output / target.package, root / target.package, whole=target.whole
                )
            ]
            return problems + [
                f"codegen/synchronous.py: nothing in {SYNC_PACKAGE.source} needs the rule {rule!r}"
                for rule in unused_rules(root / SYNC_PACKAGE.source)
            ]
        for target, _, output in steps:
            put = replace if target.whole else merge
            put(root / target.package, output / target.package)
    return []


def main(arguments: Sequence[str] | None = None, *, root: Path = ROOT) -> int:
    """Run the command line and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m codegen", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only, change nothing")
    options = parser.parse_args(arguments)
    try:
        problems = run(root=root, check=options.check)
    except CodegenError as error:
        print(f"codegen failed: {error}", file=sys.stderr)
        return 1
    if problems:
        print("The generated files do not match their sources:", file=sys.stderr)
        print("\n".join(problems), file=sys.stderr)
        print("Run `nox -s codegen`, review the changes, and commit them.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
