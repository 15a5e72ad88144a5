"""A shared machine: no other user runs code as the owner of a sweep, or reads or changes what it computes with."""

from __future__ import annotations

import contextlib
import http.client
import importlib
import json
import logging
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import dask.config
import distributed
import psutil
import pytest
from small_sweeps import small_sweep

from crnsim.errors import InputError
from crnsim.sweep.config.read import validate
from crnsim.sweep.config.reader import Document
from crnsim.sweep.plan.plan import make_plan
from crnsim.sweep.run import dask_cluster, own_workers, workers

STRANGER = Path(__file__).with_name("stranger.py")
AS_ROOT = os.geteuid() == 0


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    for name in (dask_cluster.SCHEDULER, own_workers.DASHBOARD):
        monkeypatch.delenv(name, raising=False)


def doors() -> tuple[list[int], list[str]]:
    """Ports and sockets on which this process and its children listen."""
    family = [psutil.Process(), *psutil.Process().children(recursive=True)]
    connections = [c for process in family for c in process.net_connections("all")]
    ports = {c.laddr.port for c in connections if c.status == psutil.CONN_LISTEN}
    return sorted(ports), sorted({c.laddr for c in connections if isinstance(c.laddr, str) and c.laddr})


def stranger(folder: Path, ports=(), sockets=(), files=()) -> dict:
    asked = {
        "folder": str(folder),
        "ports": list(ports),
        "sockets": list(sockets),
        "files": list(map(str, files)),
    }
    done = subprocess.run(
        [sys.executable, str(STRANGER)],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["user"] == (65534 if AS_ROOT else os.geteuid())
    assert found["seen"] == sorted(ports)
    return found


def name_only(points, record):
    from test_workers import name_only

    return name_only(points, record)


# --- ports ---


def test_no_port_of_a_running_sweep_answers_to_another_user(tmp_path):
    plan = make_plan(validate(Document("small.yaml", small_sweep(noise={}, replicates=8), {})))
    points = plan.groups[0][0].points()
    ended = workers.on_workers([[point] for point in points], [], 2, name_only)
    next(ended)
    ports, sockets = doors()
    # Scheduler, two nannies, two workers; and the socket of the process that forks workers.
    assert len(ports) == 5
    assert len(sockets) >= 1
    assert all(Path(name).is_socket() for name in sockets), "a socket without a file is open to everybody"
    found = stranger(tmp_path, ports, sockets if AS_ROOT else ())
    assert found["got"] == {}
    assert found["tries"] == 12 * len(ports)
    assert len(list(ended)) == len(points) - 1, "what was tried has disturbed the sweep"


def test_the_stranger_finds_an_open_door(tmp_path):
    """What it tries works where Dask is as it comes; or that it gets nothing would show nothing."""
    with distributed.LocalCluster(
        n_workers=0, host="127.0.0.1", dashboard_address="127.0.0.1:0", processes=False, protocol="tcp://"
    ) as cluster:
        port = int(cluster.scheduler_address.rpartition(":")[2])
        web = cluster.scheduler.services["dashboard"].port
        got = stranger(tmp_path, [port, web], [], [__file__])["got"]
    assert got[f"{port}: code, tcp, nothing"] == f"ran code as {os.geteuid()}"
    assert "Scheduler" in got[f"{port}: identity, tcp, nothing"]
    assert "HTTP/1.1" in got[f"{web}: HTTP, no TLS"]


def test_keys_are_of_one_run():
    """As the same user; between users there is no difference but this one."""
    # In a process of its own: what a client that got nowhere leaves behind can lock up a later one of Dask's.
    code = (
        "import sys, distributed\n"
        "from crnsim.sweep.run.throwaway_keys import make_keys\n"
        "for security in (make_keys(), None):\n"
        "    try:\n"
        "        distributed.Client(sys.argv[1], security=security, timeout=1)\n"
        "        print('in')\n"
        "    except (OSError, TypeError) as error:\n"
        "        print('out')\n"
    )
    with own_workers.start(1, []) as client:
        address = client.scheduler.address
        command = [sys.executable, "-c", code, address]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.stdout.split() == ["out", "out"], done.stderr
        with distributed.Client(address, security=client.security, timeout=5) as friend:
            assert friend.run_on_scheduler(os.getpid) == os.getpid()


def test_keys_are_nowhere_that_others_can_read(tmp_path):
    with own_workers.start(1, []) as client:
        key = client.security.tls_worker_key.splitlines()[1]
        assert len(key) > 40
        for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
            # The environment only its owner can read; it is not there either.
            for name in ("cmdline", "environ"):
                assert key.encode() not in Path(f"/proc/{process.pid}/{name}").read_bytes()
        folder = Path(dask.config.get("temporary-directory"))
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        files = [path for path in folder.rglob("*") if path.is_file()]
        assert all(key not in path.read_text(errors="replace") for path in files)
        (worker,) = client.scheduler_info()["workers"].values()
        assert Path(worker["local_directory"]).is_relative_to(folder)
        assert any(Path(place).is_relative_to(folder) for place in sys.path if place)
    assert not folder.exists()
    # Another user could make a folder of that name.
    assert not any(Path(place).is_relative_to(folder) for place in sys.path if place)


def test_workers_look_for_modules_where_the_command_does_and_not_in_the_present_folder(tmp_path, monkeypatch):
    """The folder may be one of somebody's results."""
    (tmp_path / "xarray.py").write_text("import pathlib; pathlib.Path('ran').touch()")
    code = (
        "import sys; sys.path.remove('')\n"
        "from crnsim.sweep.run import own_workers\n"
        "with own_workers.start(1, ['xarray']) as client:\n"
        "    import xarray\n"
        "    print(client.run(lambda: __import__('xarray').__file__).values())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "site-packages" in done.stdout
    assert not (tmp_path / "ran").exists()


# --- the dashboard ---


def test_no_dashboard_unless_it_is_asked_for(caplog, monkeypatch):
    caplog.set_level(logging.INFO)
    for given in ("", "0"):
        monkeypatch.setenv(own_workers.DASHBOARD, given)
        with own_workers.start(1, []) as client:
            assert client.scheduler_info()["services"] == {}
            assert len(doors()[0]) == 3  # scheduler, nanny, worker
    assert "dashboard" not in caplog.text
    for given in ("yes", "2", "-1"):
        monkeypatch.setenv(own_workers.DASHBOARD, given)
        with pytest.raises(
            InputError, match=f"CRNSIM_DASK_DASHBOARD is '{given}'; it must be 1 for a dashboard"
        ):
            own_workers.start(1, []).__enter__()


@pytest.fixture
def dashboard(monkeypatch, caplog):
    """The file with the address of a dashboard."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv(own_workers.DASHBOARD, "1")
    with own_workers.start(1, []):
        (file,) = re.findall(r"the address of their dashboard is in (\S+)", caplog.text)
        yield Path(file)


def ask(port: int, path: str, method: str = "GET", **headers: str) -> tuple[int, str]:
    """Return status, and headers with the page."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    with contextlib.closing(connection):
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, f"{answer.headers}\n{answer.read().decode(errors='replace')}"


def dask_pages() -> set[str]:
    """Every address that Dask knows, without what is variable in them."""
    modules = dask.config.get("distributed.scheduler.http.routes")
    found = {
        "/",
        "/status",
        "/sitemap.json",
        "/info",
        "/metrics",
        "/health",
        "/json",
        "/jupyter",
        "/api/v1/retire_workers",
    }
    for module in {*modules, "distributed.http.scheduler.api", "distributed.http.scheduler.missing_bokeh"}:
        found |= {
            "/" + re.sub(r"\(.*|\$", "x", url).lstrip("/")
            for url, *_ in importlib.import_module(module).routes
        }
    return found


def test_dashboard_answers_to_nobody_without_its_secret(dashboard, caplog, tmp_path):
    assert stat.S_IMODE(dashboard.stat().st_mode) == 0o600
    assert stat.S_IMODE(dashboard.parent.stat().st_mode) == 0o700
    address = dashboard.read_text().strip()
    port, secret = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/([\w-]{43})/status", address).groups()
    port = int(port)
    assert secret not in caplog.text
    for page in (
        "status",
        "info/main/workers.html",
        "health",
        "json/counts.json",
        "sitemap.json",
        "statics/css/base.css",
    ):
        # Dask makes its list of all pages at the root only.
        assert ask(port, f"/{secret}/{page}")[0] == (404 if page == "sitemap.json" else 200), page
    wrong = "x" * len(secret)
    places = dask_pages()
    assert len(places) > 15
    for place in {*places, *(f"/{wrong}{place}" for place in places)} | {
        f"/{secret}", f"//{secret}/status", f"/{secret[:-1]}/status", f"/{secret.swapcase()}/status", "/%C3%A9%ff",
        f"/x/../{secret}/status", f"/?{secret}", f"http://127.0.0.1/{secret[1:]}/status", "/%00", "*",
    }:  # fmt: skip
        status, said = ask(port, place)
        assert status in (400, 404), place
        assert secret not in said.replace(place, "")
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH"):
        assert ask(port, "/status", method)[0] in (404, 405)
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "eA==",
    }
    assert ask(port, "/status/ws", **upgrade)[0] == 404
    if AS_ROOT:
        assert stranger(tmp_path, files=[dashboard])["got"] == {}


def test_dashboard_is_the_only_further_port_and_no_other_user_gets_past_it(dashboard, tmp_path):
    ports, _ = doors()
    web = int(re.search(r":(\d+)/", dashboard.read_text()).group(1))
    assert len(ports) == 4  # scheduler, nanny, worker and this
    got = stranger(tmp_path, ports)["got"]
    assert got.keys() <= {f"{web}: HTTP, no TLS", f"{web}: nonsense, no TLS"}
    assert got[f"{web}: HTTP, no TLS"].startswith("b'HTTP/1.1 404 ")
