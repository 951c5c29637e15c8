"""Reads YAML: OpenAPI documents and seed files."""

from __future__ import annotations

from typing import Any

import yaml

# libyaml is ten times as fast; PyYAML includes it on most platforms.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_MERGE = "tag:yaml.org,2002:merge"


def load(content: str | bytes) -> Any:
    """Read YAML with a single document.

    Raises:
        yaml.YAMLError: If the content is not YAML, or if a mapping has duplicate keys: PyYAML
            would silently use the last one.
    """
    loader = LOADER(content)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        # Before the conversion to values, since PyYAML repeats keys to merge mappings (<<).
        _check_keys(node)
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _check_keys(root: yaml.Node) -> None:
    # With aliases, a node can occur in several places, and inside itself.
    seen: set[yaml.Node] = set()
    nodes = [root]
    while nodes:
        node = nodes.pop()
        if node in seen:
            continue
        seen.add(node)
        if isinstance(node, yaml.MappingNode):
            _check_mapping(node)
            nodes += [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            nodes += node.value


def _check_mapping(mapping: yaml.MappingNode) -> None:
    lines: dict[tuple[str, str], int] = {}
    for key, _ in mapping.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag == _MERGE:
            continue
        found = (key.tag, key.value)
        if found in lines:
            problem = f"the key {key.value!r} occurs in line {lines[found]} and again"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
        lines[found] = key.start_mark.line + 1
