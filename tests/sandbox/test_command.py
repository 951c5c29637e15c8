"""``python -m prov_facade.sandbox``, as a person runs it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from sandbox_checks import ValidatingTransport

from prov_facade.sandbox import Sandbox


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-W", "error", "-m", "prov_facade.sandbox", *arguments]


def test_it_introduces_itself_serves_and_stops(tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    process = subprocess.Popen(
        command("--state", str(state)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    said = ""
    while "a token from above" not in said:
        line = process.stdout.readline()
        assert line, process.communicate()
        said += line
    url = re.findall(r"listens at (\S+)\. ", said)[0]
    client = httpx.Client(transport=ValidatingTransport(), base_url=url)
    assert client.get("/").json() == {"message": "Health check successful."}
    tokens = re.findall(r"token of an? (\w+):\n(\S+)", said)
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


@pytest.mark.parametrize(
    ("name", "content", "option"),
    [
        ("seed.yaml", "items: [", "--seed"),
        ("seed.yaml", "items: 5", "--seed"),
        ("state.db", "some text that is no database " * 40, "--state"),
    ],
)
def test_a_bad_file_is_one_line_and_exit_status_2(
    name: str, content: str, option: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    done = subprocess.run(
        command(option, str(path)), capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("sandbox: ")
    assert done.stderr.count("\n") == 1
    assert path.read_text(encoding="utf-8") == content


def test_a_port_in_use_is_one_line_and_exit_status_2() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            command("--port", port), capture_output=True, text=True, check=False, timeout=60
        )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert port in done.stderr


def test_what_was_done_survives_a_kill(tmp_path: Path) -> None:
    """Jobs that were taken on before the kill are done after it, each once."""
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
    killed = subprocess.run(
        [sys.executable, "-c", script, str(state)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
        timeout=60,
    )
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


@pytest.mark.skipif(sys.platform == "win32", reason="signals are told to processes otherwise")
def test_it_goes_on_when_nobody_reads_what_it_says() -> None:
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
