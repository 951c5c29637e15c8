"""Names that do not exist are refused, and a sandbox and its auth managers can be inspected."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from clients import client_for, run

from prov_facade import ItemSubType, ProvClient, SyncProvClient
from prov_facade.sandbox import Client, Sandbox


def new_sandbox(**options: Any) -> Sandbox:
    return Sandbox(**options)


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda s: s.items("DATASETS"), "item_subtype 'DATASETS' is unknown; did you mean DATASET"),
        (lambda s: s.items("model_run"), "item_subtype 'model_run' is unknown"),
        (lambda s: s.items(""), "item_subtype '' is unknown"),
        (lambda s: s.auth("reader"), "role 'reader' is unknown; did you mean read"),
        (lambda s: s.auth("read", "entity-registry-write"), "role 'entity-registry-write'"),
        (lambda s: s.token("reader"), "role 'reader' is unknown"),
        (lambda s: s.faults.add("explore"), "operation 'explore' is unknown"),
        (lambda s: s.faults.left("explore"), "operation 'explore' is unknown"),
        (lambda s: s.faults.fail_jobs("LODGE", "x"), "kind of job 'LODGE' is unknown"),
        (lambda _: new_sandbox(report_style="pdf"), "report_style 'pdf' is unknown"),
        (lambda _: new_sandbox(links_key="link"), "links_key 'link' is unknown; did you mean"),
        (lambda _: Sandbox(clients={"p": Client("s", ("reader",))}), "role 'reader' is unknown"),
    ],
)
def test_names_that_do_not_exist_are_refused(
    use: Callable[[Sandbox], object], message: str, sandbox: Sandbox
) -> None:
    with pytest.raises(ValueError, match="is unknown") as raised:
        use(sandbox)
    assert message in str(raised.value)


@pytest.mark.parametrize("subtype", ["STUDY", ItemSubType.STUDY])
def test_every_subtype_is_a_name_even_without_items(subtype: str, sandbox: Sandbox) -> None:
    assert {item.item_subtype for item in sandbox.items(subtype)} == {"STUDY"}
    assert sandbox.items("SOFTWARE") == []


def test_a_sandbox_has_a_repr() -> None:
    sandbox = Sandbox()
    assert repr(sandbox) == "<Sandbox, not running>"
    with sandbox:
        assert repr(sandbox) == f"<Sandbox at {sandbox.url}>"
    assert repr(sandbox) == "<Sandbox, not running>"


def test_a_client_of_a_sandbox_can_be_pickled(sandbox: Sandbox) -> None:
    client = client_for(sandbox.url, sandbox.auth("read", username="ann"))
    assert isinstance(client, ProvClient)
    copy = pickle.loads(pickle.dumps(client))  # noqa: S301  (our own)
    assert run(copy.check_read_access()).username == "ann"


_IN_A_PROCESS = """
import pickle, sys
client = pickle.load(sys.stdin.buffer)
print(client.check_write_access().username)
"""


def test_a_pickled_client_works_in_another_process(sandbox: Sandbox) -> None:
    client = SyncProvClient(sandbox.auth("read", "write", username="ann"), sandbox.config)
    done = subprocess.run(
        [sys.executable, "-c", _IN_A_PROCESS],
        input=pickle.dumps(client),
        stdout=subprocess.PIPE,
        check=True,
        timeout=60,
    )
    assert done.stdout.decode().strip() == "ann"


def test_a_pickled_auth_manager_renews_its_token_and_shows_no_secret(sandbox: Sandbox) -> None:
    auth = sandbox.auth("read")
    copy = pickle.loads(pickle.dumps(auth))  # noqa: S301  (our own)
    assert copy.get_token() != auth.get_token()  # signed by itself
    assert auth.get_token() == auth.get_token()  # cached
    for text in (repr(auth), repr(copy), repr(copy._token)):
        assert auth.get_token() not in text
        assert "PRIVATE" not in text
