from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from prov_facade.sandbox._state import graph
from prov_facade.sandbox._state.graph import Link, Node
from prov_facade.sandbox._state.lineage import Direction, explore
from prov_facade.sandbox._state.store import VERSION, Item, StateError, Store

RUNS = [Node("r1", "ACTIVITY", "MODEL_RUN"), Node("r2", "ACTIVITY", "MODEL_RUN")]
DATA = Node("d", "ENTITY", "DATASET")
ONE = ("r1", [RUNS[0], DATA], [Link("r1", "used", "d")])
TWO = ("r2", [RUNS[1], DATA, RUNS[0]], [Link("r2", "used", "d"), Link("r1", "used", "d")])


def ids(store: Store, start: str) -> list[str]:
    return [node.id for node in explore(store, start, 3, Direction.DOWNSTREAM).nodes]


def test_removing_a_record_keeps_nodes_and_links_of_other_records() -> None:
    with Store() as store:
        graph.add(store, *ONE)
        graph.add(store, *TWO)
        diff = graph.removal_diff(store, "r2")

        def end(node_id: str, category: str, subtype: str, records: str) -> dict[str, Any]:
            props = {"record_ids": records}
            return {"id": node_id, "category": category, "subtype": subtype, "props": props}

        first = end("r1", "ACTIVITY", "MODEL_RUN", "r1,r2")
        second = end("r2", "ACTIVITY", "MODEL_RUN", "r2")
        data = end("d", "ENTITY", "DATASET", "r1,r2")
        used = {"target": data, "relation": "used"}
        assert diff == [
            {
                "action_type": "REMOVE_RECORD_ID_FROM_LINK",
                "link": {"source": first, **used, "props": {"record_ids": "r1,r2"}},
                "record_id": "r2",
            },
            {
                "action_type": "REMOVE_LINK",
                "link": {"source": second, **used, "props": {"record_ids": "r2"}},
            },
            {"action_type": "REMOVE_RECORD_ID_FROM_NODE", "node_id": "d", "record_id": "r2"},
            {"action_type": "REMOVE_RECORD_ID_FROM_NODE", "node_id": "r1", "record_id": "r2"},
            {"action_type": "REMOVE_NODE", "node_id": "r2"},
        ]
        assert ids(store, "d") == ["d", "r1", "r2"]
        graph.remove(store, "r2")
        assert ids(store, "d") == ["d", "r1"]
        assert graph.removal_diff(store, "r2") == []
        graph.remove(store, "r1")
        assert ids(store, "d") == []


def test_a_link_to_an_unknown_node_adds_nothing() -> None:
    with Store() as store:
        with pytest.raises(KeyError):
            graph.add(store, "r1", [RUNS[0]], [Link("r1", "used", "nowhere")])
        assert ids(store, "r1") == []


def test_nested_transactions_are_atomic() -> None:
    def add_and_fail(store: Store) -> None:
        with store.transaction():
            graph.add(store, *ONE)
            raise RuntimeError

    with Store() as store:
        with pytest.raises(RuntimeError):
            add_and_fail(store)
        assert ids(store, "d") == []
        graph.add(store, *ONE)
        assert ids(store, "d") == ["d", "r1"]


def test_clearing_the_graph_keeps_items() -> None:
    with Store() as store:
        store.put_items([Item("r1", "ACTIVITY", "MODEL_RUN", "Run", body={"a": [1, None]})])
        graph.add(store, *ONE)
        graph.clear(store)
        assert ids(store, "d") == []
        assert store.items("MODEL_RUN")[0].body == {"a": [1, None]}
        assert store.items("STUDY") == []


def test_a_state_file_keeps_its_data(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with Store(path) as store:
        graph.add(store, *ONE)
        first = store.next_number("handle", 7), store.secret("key", lambda: b"1")
    with Store(path) as store:
        assert ids(store, "d") == ["d", "r1"]
        assert (store.next_number("handle", 7), store.secret("key", pytest.fail)) == (8, b"1")
    assert first == (7, b"1")


@pytest.mark.stress
def test_a_state_file_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    script = (
        "import os, sys, signal; from pathlib import Path;"
        "from prov_facade.sandbox._state.graph import Link, Node, add;"
        "from prov_facade.sandbox._state.store import Store;"
        "store = Store(Path(sys.argv[1])); nodes = [Node('r1', 'A', 'B'), Node('d', 'A', 'B')];"
        "add(store, 'r1', nodes, [Link('r1', 'used', 'd')]);"
        f"os.kill(os.getpid(), {int(signal.SIGKILL)})"
    )
    killed = subprocess.run(
        [sys.executable, "-c", script, str(path)], env=dict(os.environ), check=False
    )
    assert killed.returncode == -signal.SIGKILL
    with Store(path) as store:
        assert ids(store, "d") == ["d", "r1"]


@pytest.mark.parametrize(
    "content",
    [
        b"not a database, but some text " * 50,
        "CREATE TABLE other (x)",
        f"CREATE TABLE item (id); PRAGMA user_version = {VERSION}",
        "PRAGMA application_id = 5",
    ],
)
def test_other_files_are_rejected_and_not_changed(content: bytes | str, tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    if isinstance(content, str):
        alter(path, content)
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    with pytest.raises(StateError) as caught:
        Store(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before


def alter(path: Path, script: str) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(script)
    connection.close()


def test_a_state_file_without_a_table_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    Store(path).close()
    alter(path, "DROP TABLE job")
    with pytest.raises(StateError, match="damaged: job, job_due"):
        Store(path)


def test_a_state_file_cannot_be_opened_twice(tmp_path: Path) -> None:
    """Two sandboxes would process the same jobs twice."""
    path = tmp_path / "state.db"
    for _ in range(2):  # a new file, and an existing one
        with Store(path) as store:
            with pytest.raises(StateError, match="in use"):
                Store(path)
            graph.add(store, *ONE)
    with Store(path) as store:
        assert ids(store, "d") == ["d", "r1"]


def test_a_file_locked_by_another_process_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    Store(path).close()
    other = sqlite3.connect(path)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StateError, match="in use"):
        Store(path)
    other.close()


def test_state_files_use_a_write_ahead_log(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with Store(path) as store:
        graph.add(store, *ONE)
        assert path.with_name("state.db-wal").stat().st_size > 0
    assert not path.with_name("state.db-wal").exists()


def test_a_state_file_of_another_version_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    Store(path).close()
    alter(path, f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(StateError, match=f"version {VERSION + 1}"):
        Store(path)
