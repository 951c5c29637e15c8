"""``python -m prov_facade.sandbox``."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from python_process import run_python
from sandbox_checks import ValidatingTransport

from prov_facade.sandbox import Sandbox
from prov_facade.sandbox.__main__ import main


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-W", "error", "-m", "prov_facade.sandbox", *arguments]


def test_the_command_prints_instructions_serves_and_stops(tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    process = subprocess.Popen(
        command("--state", str(state)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    output = ""
    while "a token from above" not in output:
        line = process.stdout.readline()
        assert line, process.communicate()
        output += line
    url = re.findall(r"listens at (\S+)\. ", output)[0]
    client = httpx.Client(transport=ValidatingTransport(), base_url=url)
    assert client.get("/").json() == {"message": "Health check successful."}
    tokens = re.findall(r"(\w+) token:\n(\S+)", output)
    assert [name for name, _ in tokens] == ["reader", "writer", "admin"]
    for number, (_, token) in enumerate(tokens):
        headers = {"Authorization": f"Bearer {token}"}
        allowed = [
            client.get(f"/check-access/check-{role}-access", headers=headers).status_code == 200
            for role in ("read", "write", "admin")
        ]
        assert allowed == [True, number >= 1, number >= 2]
    client.close()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, "")
    assert out.endswith("Stopped.\n")
    assert state.exists()


@pytest.fixture
def signals() -> Iterator[None]:
    """Restore the signal handlers that the command replaces."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("name", "content", "option"),
    [
        ("seed.yaml", "items: 5", "--seed"),
        ("state.db", "some text that is not a database " * 40, "--state"),
    ],
)
@pytest.mark.usefixtures("signals")
def test_an_unusable_file_prints_one_line_and_exits_with_status_2(
    name: str, content: str, option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    assert main([option, str(path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("sandbox: ")
    assert err.count("\n") == 1
    assert path.read_text(encoding="utf-8") == content


@pytest.mark.usefixtures("signals")
def test_a_port_in_use_prints_one_line_and_exits_with_status_2(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as used:
        port = str(used.getsockname()[1])
        assert main(["--port", port]) == 2
    _, err = capsys.readouterr()
    assert err.count("\n") == 1
    assert port in err


@pytest.mark.stress
def test_the_state_survives_a_kill(tmp_path: Path) -> None:
    """Jobs created before the kill are processed exactly once after it."""
    state = tmp_path / "state.db"
    script = (
        "import os, sys, httpx;"
        "from sandbox_checks import ValidatingTransport;"
        "from prov_facade.sandbox import JobDelays, Sandbox;"
        "sandbox = Sandbox(state=sys.argv[1], delays=JobDelays(pending=0.3)).start();"
        "record = sandbox.items('MODEL_RUN')[-1].body['record'];"
        "head = {'Authorization': 'Bearer ' + sandbox.token('read', 'write')};"
        "url = sandbox.url + '/model_run/register';"
        "client = httpx.Client(transport=ValidatingTransport());"
        "assert all(client.post(url, json=record, headers=head).status_code == 200"
        " for _ in range(3));"
        f"os.kill(os.getpid(), {int(signal.SIGKILL)})"
    )
    killed = run_python("-c", script, str(state))
    assert killed.returncode == -signal.SIGKILL
    with Sandbox(state=state) as sandbox:
        headers = {"Authorization": f"Bearer {sandbox.token('read')}"}
        url = f"{sandbox.config.job_api_endpoint}/jobs/user/list"
        for _ in range(1000):
            jobs = httpx.post(url, headers=headers, json={}).json()["jobs"]
            if [job["status"] for job in jobs] == ["SUCCEEDED"] * 3:
                break
        else:
            raise AssertionError(jobs)
        assert len({job["result"]["record"]["id"] for job in jobs}) == 3
        assert len(sandbox.items("MODEL_RUN")) == 33


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_the_command_continues_when_its_output_is_closed() -> None:
    """As in ``python -m prov_facade.sandbox | head -1``."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.Popen(
        command("--port", str(port)), stdout=writer, stderr=subprocess.PIPE, text=True
    )
    os.close(writer)
    try:
        with httpx.Client(transport=ValidatingTransport(retries=10)) as client:
            assert client.get(f"http://127.0.0.1:{port}/").status_code == 200
    finally:
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, "\nStopped.\n")
