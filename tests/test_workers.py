"""Batches on Dask workers: the same numbers on any cluster, no point lost, and one line where a cluster is no use."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import runpy
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import dask.config
import numpy as np
import psutil
import pytest
import xarray as xr
from distributed import Client, LocalCluster
from distributed.security import Security
from small_sweeps import small_sweep, write_sweep
from workflow_folder import SUMMARY, Folder

from crnsim.errors import CrnsimError, InputError
from crnsim.experiment.run import killed_points, run_points
from crnsim.provenance import code_hash
from crnsim.store.points import join
from crnsim.sweep.config.read import validate
from crnsim.sweep.config.reader import Document
from crnsim.sweep.plan.plan import make_plan
from crnsim.sweep.run import dask_cluster, own_workers, workers
from crnsim.sweep.run.chunk import cut

ROOT = Path(__file__).resolve().parent.parent
MARKS = "CRNSIM_TEST_MARKS"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Compute in a folder of its own, where workers leave marks."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(dask_cluster.SCHEDULER, raising=False)
    monkeypatch.delenv(dask_cluster.PATIENCE, raising=False)
    monkeypatch.setenv(MARKS, str(tmp_path))
    # Workers of our own are forked from a process that may be older than this test and knows nothing of it.
    with dask.config.set({"distributed.nanny.environ": {MARKS: str(tmp_path)}}):
        yield tmp_path


def points_of(**changes):
    changes.setdefault("running_times", [5])
    return make_plan(validate(Document("small.yaml", small_sweep(**changes), {}))).groups[0][0].points()


def results_of(points, *, n_workers=2, batch=2, compute=workers.compute_batch, record=()):
    """Compute points; return the results joined, and the points whose worker was killed."""
    ended = list(workers.on_workers(cut(points, batch, n_workers), record, n_workers, compute))
    assert sorted(p.key for some, _, _ in ended for p in some) == sorted(p.key for p in points)
    parts = [results for _, results, _ in ended if results is not None]
    lost = [point for some, results, _ in ended if results is None for point in some]
    return (join(parts) if parts else None), lost


def assert_same_bits(results, points):
    """Compare with the same points computed in this process; the order does not matter."""
    found = results.isel(point=np.argsort(results["point_key"].values))
    expected = run_points(sorted(points, key=lambda point: point.key))
    assert found["point_key"].values.tolist() == expected["point_key"].values.tolist()
    for name in ("output", "weights", "train_loss", "mse", "steps", "status"):
        assert found[name].values.tobytes() == expected[name].values.tobytes(), name


# --- what workers run in place of a computation ---


def name_only(points, record):
    """Return results that hold nothing but which points they are of."""
    from crnsim.experiment.point import Point

    keys = [Point.from_dict(point).key for point in points]
    return xr.Dataset(coords={"point_key": ("point", keys)}, attrs={"code_hash": code_hash()}), 0.0


def name_or_die(points, record):
    if any(point["replicate"] in (1, 6, 7) for point in points):
        os.kill(os.getpid(), signal.SIGKILL)
    return name_only(points, record)


def die(points, record):
    os.kill(os.getpid(), signal.SIGKILL)


def die_once(points, record):
    """Compute, but for the first time that replicate 1 comes along."""
    with contextlib.suppress(FileExistsError):
        if any(point["replicate"] == 1 for point in points):
            Path(os.environ[MARKS], "died").touch(exist_ok=False)
            os.kill(os.getpid(), signal.SIGKILL)
    return workers.compute_batch(points, record)


def fail_and_mark(points, record):
    """Leave a mark; replicate 0 fails."""
    Path(os.environ[MARKS], f"{points[0]['replicate']}.started").touch()
    time.sleep(0.2)
    if points[0]["replicate"] == 0:
        raise ZeroDivisionError("a mistake of ours")
    return name_only(points, record)


def name_as_another_version(points, record):
    results, seconds = name_only(points, record)
    return results.assign_attrs(code_hash="0"), seconds


def miss_a_file(points, record):
    raise InputError("data.csv: there is no such file")


# --- clusters ---


@contextlib.contextmanager
def certificates(folder: Path):
    """Make an authority and a certificate, as docs/dask.md does, and give Dask's settings for them."""
    folder.mkdir()
    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    commands = [
        ["req", "-x509", *new, "-subj", "/CN=authority", "-keyout", "ca-key.pem", "-out", "ca.pem"],
        ["req", *new, "-subj", "/CN=cluster", "-keyout", "key.pem", "-out", "request.pem"],
        [
            *("x509", "-req", "-in", "request.pem", "-CA", "ca.pem", "-CAkey", "ca-key.pem"),
            *("-CAcreateserial", "-days", "2", "-out", "cert.pem"),
        ],
    ]
    for words in commands:
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=folder)
    roles = ("client", "scheduler", "worker")
    yield {
        "distributed.comm.tls.ca-file": str(folder / "ca.pem"),
        **{f"distributed.comm.tls.{role}.cert": str(folder / "cert.pem") for role in roles},
        **{f"distributed.comm.tls.{role}.key": str(folder / "key.pem") for role in roles},
    }


def as_environment(settings: dict[str, str]) -> dict[str, str]:
    return {f"DASK_{key.replace('.', '__').replace('-', '_').upper()}": v for key, v in settings.items()}


@contextlib.contextmanager
def processes(
    *commands: list[str], path: str = f"{ROOT}{os.pathsep}{ROOT / 'tests'}", cwd=None, **environment
):
    """Run Dask's commands until the end of the context."""
    started = [
        subprocess.Popen(
            [sys.executable, "-m", *words, "--host", "127.0.0.1", "--no-dashboard"],
            env=os.environ | environment | {"PYTHONPATH": path},
            cwd=cwd,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for words in commands
    ]
    try:
        yield started
    finally:
        # At once: a nanny takes seconds to part from its worker in peace.
        family = [each for p in started for each in psutil.Process(p.pid).children(recursive=True)]
        for process in started:
            process.kill()
            process.wait()
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make certificates")


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    """A scheduler and two workers with TLS, in processes of their own: its scheduler file and Dask's settings."""
    folder = tmp_path_factory.mktemp("tls")
    file = folder / "scheduler.json"
    with certificates(folder / "own") as settings:
        environment = as_environment(settings) | {MARKS: str(folder)}
        scheduler = ["--protocol", "tls", "--port", "0", "--scheduler-file", str(file)]
        worker = ["distributed.cli.dask_worker", "--scheduler-file", str(file), "--nthreads", "1"]
        with processes(
            ["distributed.cli.dask_scheduler", *scheduler], worker, worker, cwd=folder, **environment
        ):
            deadline = time.monotonic() + 60
            while not file.exists() and time.monotonic() < deadline:
                time.sleep(0.1)
            yield file, settings


@contextlib.contextmanager
def in_this_process(n_workers: int):
    """A cluster without processes."""
    with LocalCluster(
        n_workers=n_workers,
        threads_per_worker=1,
        processes=False,
        host="127.0.0.1",
        protocol="tcp://",
        dashboard_address="127.0.0.1:0",
    ) as cluster:
        yield cluster


def listening(process: psutil.Process) -> set[str]:
    found = set()
    for each in [process, *process.children(recursive=True)]:
        found |= {c.laddr.ip for c in each.net_connections("inet") if c.status == psutil.CONN_LISTEN}
    return found


# --- workers of our own ---


@pytest.mark.parametrize(("job", "limit"), [("", 0.95), ("7", False)])
def test_memory_is_watched_by_the_queue_where_there_is_one(monkeypatch, job, limit):
    class Seen(Exception):  # noqa: N818
        pass

    def note(**_):
        raise Seen(dask.config.get("distributed.worker.memory.terminate"))

    for name in own_workers.IN_A_JOB:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SLURM_JOB_ID", job)
    monkeypatch.setattr("distributed.SpecCluster", note)
    with pytest.raises(Seen, match=str(limit)):
        list(workers.on_workers([points_of(noise={})[:1]], [], 1))


def test_results_are_kept_where_dask_cannot_be_closed(monkeypatch):
    """A worker that is just being replaced makes Dask's own tidying up fail."""
    from distributed import SpecCluster

    def close(self, timeout=None):
        original(self)
        raise AssertionError("can only join a started process")

    original = SpecCluster.close
    monkeypatch.setattr(SpecCluster, "close", close)
    points = points_of(noise={})
    ended = list(workers.on_workers([points], [], 1))
    assert [len(some) for some, results, _ in ended if results is not None] == [len(points)]


def test_worker_that_is_killed_once_costs_no_point():
    points = points_of()
    results, lost = results_of(points, compute=die_once)
    assert Path("died").exists()
    assert lost == []
    assert_same_bits(results, points)


def test_only_the_points_that_kill_are_given_up(caplog):
    points = points_of(replicates=8, noise={})
    results, lost = results_of(points, n_workers=1, batch=8, compute=name_or_die)
    assert sorted(point.replicate for point in lost) == [1, 6, 7]
    assert len(set(results["point_key"].values)) == 5
    assert caplog.text.count("killed its worker again") == 3


def test_cluster_on_which_everything_dies_is_given_up_in_bounded_time(monkeypatch, caplog):
    monkeypatch.setattr(workers, "GIVE_UP", 4)
    points = points_of(replicates=30, noise={})
    results, lost = results_of(points, batch=1, compute=die)
    assert results is None
    assert len(lost) == 30
    # At most 4 in a row, and those in flight beside them, then 4 alone; never each of the 30.
    assert caplog.text.count("run again") <= 4 + 2 * workers.WINDOW + 4
    assert "the rest is given up" in caplog.text


def test_mistake_of_ours_in_a_worker_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        results_of(points_of(noise={}), batch=1, compute=fail_and_mark)


def test_workers_listen_on_the_loopback_only():
    seen = set()
    for _ in workers.on_workers([points_of()[:1]], [], 1, name_only):
        seen |= listening(psutil.Process())
    assert seen == {"127.0.0.1"}


@pytest.mark.parametrize("given", [{}, {"mode": "inference", "circuit": "feedforward", "weights": "sgd"}])
def test_points_that_were_killed_join_with_results(given):
    points = points_of(replicates=2, noise={"rates": {"magnitudes": [0.1]}}, **given)
    real, killed = run_points(points[:2]), killed_points(points[2:])
    assert set(killed.variables) == set(real.variables)
    for name, variable in real.variables.items():
        assert (killed[name].dims, killed[name].dtype) == (variable.dims, variable.dtype), name
        assert str(killed[name].attrs) == str(variable.attrs), name
    assert killed.attrs == real.attrs
    joined = join([real, killed])
    assert joined["point_key"].values.tolist() == [point.key for point in points]
    assert joined["status"].values.tolist() == [0, 0, 3, 3]
    assert joined["score"].values[2:].tolist() == [0, 0]
    assert np.isnan(joined["mse"].values[2:]).all()
    assert np.isnan(joined["output"].values[2:]).all()
    assert all("killed" in reason for reason in joined["reason"].values[2:])
    np.testing.assert_array_equal(joined["expected"].values[2], joined["expected"].values[0])


def test_points_that_were_killed_may_differ_in_the_scope_of_their_noise():
    noise = {
        "rates": {"magnitudes": [0.1]},
        "concentrations": {"magnitudes": [0.1], "scope": "weights"},
    }
    points = points_of(noise=noise, replicates=1)
    assert len({point.noise.scope for point in points}) == 2
    assert killed_points(points)["status"].values.tolist() == [3] * len(points)


# --- clusters that already run ---


@needs_openssl
@pytest.mark.slow
def test_results_over_tls_are_the_same_bits_also_when_a_worker_is_killed(secure, monkeypatch, caplog):
    file, settings = secure
    caplog.set_level(logging.INFO)
    monkeypatch.setenv(dask_cluster.SCHEDULER, str(file))
    points = points_of(running_times=[5, 10])
    with dask.config.set(settings):
        results, lost = results_of(points, compute=die_once)
    assert (file.parent / "died").exists()
    assert lost == []
    assert_same_bits(results, points)
    address = json.loads(file.read_text())["address"]
    assert address.startswith("tls://127.0.0.1:")
    assert f"Dask scheduler of CRNSIM_DASK_SCHEDULER: {address}; dashboard: " in caplog.text
    assert "not encrypted" not in caplog.text


@needs_openssl
@pytest.mark.slow
def test_scheduler_with_tls_is_refused_in_one_line_without_the_right_certificates(
    secure, monkeypatch, tmp_path
):
    file, settings = secure
    monkeypatch.setattr(dask_cluster, "ANSWER", 3.0)
    address = json.loads(file.read_text())["address"]
    monkeypatch.setenv(dask_cluster.SCHEDULER, address)
    points = points_of()[:1]
    with pytest.raises(InputError, match=r"needs certificates: set distributed\.comm\.tls\.ca-file \(DASK_"):
        results_of(points)
    gone = settings | {"distributed.comm.tls.client.cert": "gone.pem"}
    with (
        dask.config.set(gone),
        pytest.raises(InputError, match=r"tls\.client\.cert .* is gone\.pem: there is no"),
    ):
        results_of(points)
    with certificates(tmp_path / "other") as others:
        with dask.config.set(others), pytest.raises(CrnsimError, match="are of the same authority") as said:
            results_of(points)
        assert "\n" not in str(said.value)
        mixed = settings | {"distributed.comm.tls.client.key": others["distributed.comm.tls.client.key"]}
        with dask.config.set(mixed), pytest.raises(InputError, match="the key belongs to the certificate"):
            results_of(points)
    monkeypatch.setenv(dask_cluster.SCHEDULER, address.replace("tls://", "tcp://"))
    with pytest.raises(CrnsimError, match="no Dask scheduler answers there"):
        results_of(points)


@needs_openssl
def test_own_workers_are_encrypted_where_dask_is_told_to(tmp_path):
    with certificates(tmp_path / "own") as settings:
        required = settings | {"distributed.comm.require-encryption": True}
        with dask.config.set(required), dask_cluster.connect(1, []) as cluster:
            assert cluster.client.scheduler.address.startswith("tls://127.0.0.1:")
            assert cluster.n_workers == 1


@pytest.mark.slow
def test_worker_with_another_crnsim_or_none_is_refused_by_name(tmp_path, monkeypatch):
    package = tmp_path / "another" / "crnsim"
    shutil.copytree(ROOT / "crnsim", package, ignore=shutil.ignore_patterns("__pycache__"))
    with (package / "noise.py").open("a") as module:
        module.write("# another version\n")
    none = tmp_path / "none" / "crnsim"
    none.mkdir(parents=True)
    (none / "__init__.py").write_text("raise ModuleNotFoundError('No module named crnsim', name='crnsim')\n")
    points = points_of()[:1]
    with in_this_process(0) as cluster:
        monkeypatch.setenv(dask_cluster.SCHEDULER, cluster.scheduler_address)
        worker = ["distributed.cli.dask_worker", cluster.scheduler_address, "--nthreads", "1", "--no-nanny"]
        with processes(worker, path=str(package.parent), cwd=tmp_path), pytest.raises(CrnsimError) as said:
            results_of(points)
        assert f"here {code_hash()})" in str(said.value)
        assert "the Dask worker tcp://127.0.0.1:" in str(said.value)
        with (
            processes(worker, path=str(none.parent), cwd=tmp_path),
            pytest.raises(CrnsimError, match="has no module crnsim; install there the version"),
        ):
            results_of(points)


@pytest.mark.parametrize(
    ("compute", "message"),
    [
        (name_as_another_version, r"the Dask worker tcp://127\.0\.0\.1:\d+ has another version of crnsim"),
        (miss_a_file, r"^data\.csv: there is no such file$"),
    ],
)
def test_what_a_worker_cannot_do_is_said_in_one_line(compute, message, monkeypatch):
    with in_this_process(1) as cluster:
        monkeypatch.setenv(dask_cluster.SCHEDULER, cluster.scheduler_address)
        with pytest.raises(CrnsimError, match=message):
            results_of(points_of(), compute=compute)


def test_nothing_is_left_on_a_scheduler_when_a_chunk_ends_early(monkeypatch, here):
    with in_this_process(1) as cluster:
        monkeypatch.setenv(dask_cluster.SCHEDULER, cluster.scheduler_address)
        with pytest.raises(ZeroDivisionError):
            results_of(points_of(replicates=20, noise={}), batch=1, compute=fail_and_mark)
        with Client(cluster) as client:
            for _ in range(100):
                left = client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks))
                if not left:
                    break
                time.sleep(0.05)
        assert left == 0
    # Replicate 0 need not come first, but four are in flight and only a task that has begun runs to its end.
    assert len(list(here.glob("*.started"))) < 20


def test_workers_that_go_for_good_end_in_one_line_and_what_ended_is_kept(monkeypatch):
    monkeypatch.setattr(dask_cluster, "LOOK", 0.1)
    monkeypatch.setattr(workers, "ARRIVAL", 0.5)
    monkeypatch.setenv(dask_cluster.PATIENCE, "1")
    with in_this_process(1) as cluster:
        monkeypatch.setenv(dask_cluster.SCHEDULER, cluster.scheduler_address)
        ended = workers.on_workers(cut(points_of(replicates=12, noise={}), 1, 1), [], 1, name_only)
        kept = [next(ended)]
        cluster.scale(0)
        with pytest.raises(CrnsimError, match=r"has had no worker for \d s; start workers with 'dask worker"):
            kept.extend(ended)
    assert all(results is not None for _, results, _ in kept)


def test_workers_that_come_late_are_waited_for(monkeypatch):
    monkeypatch.setattr(dask_cluster, "LOOK", 0.1)
    points = points_of()
    said = []

    def warning(message, *values):
        if "no worker" in message:
            said.append(message % values)
            cluster.scale(1)

    monkeypatch.setattr(dask_cluster.log, "warning", warning)
    with in_this_process(0) as cluster:
        monkeypatch.setenv(dask_cluster.SCHEDULER, cluster.scheduler_address)
        results, lost = results_of(points, compute=name_only)
    assert said == [f"the Dask scheduler {cluster.scheduler_address} has no worker; waiting up to 300 s"]
    assert len(set(results["point_key"].values)) == len(points)
    assert lost == []


def test_scheduler_that_goes_away_ends_in_one_line(monkeypatch):
    monkeypatch.setattr(dask_cluster, "ANSWER", 1.0)
    monkeypatch.setattr(dask_cluster, "LOOK", 0.1)
    with in_this_process(1) as cluster:
        monkeypatch.setenv(dask_cluster.SCHEDULER, cluster.scheduler_address)
        ended = workers.on_workers(cut(points_of(replicates=12, noise={}), 1, 1), [], 1, name_only)
        next(ended)
        cluster.close()
        with pytest.raises(CrnsimError, match=r"the Dask scheduler tcp://.* is gone"):
            list(ended)


@pytest.mark.parametrize(
    ("loopback", "who"), [(True, "every user of this machine"), (False, "whoever reaches it")]
)
def test_scheduler_without_encryption_is_warned_of(monkeypatch, caplog, loopback, who):
    monkeypatch.setattr(dask_cluster, "_is_loopback", lambda address: loopback)
    with in_this_process(1) as cluster:
        monkeypatch.setenv(dask_cluster.SCHEDULER, cluster.scheduler_address)
        results_of(points_of()[:1], compute=name_only)
    assert f"is not encrypted: {who} can run code as you" in caplog.text


@pytest.mark.parametrize(
    ("address", "loopback"),
    [
        ("tcp://127.0.0.1:1", True),
        ("tcp://localhost:1", True),
        ("tcp://10.0.0.1:1", False),
        ("tcp://node7:1", False),
    ],
)
def test_loopback_is_told_from_other_places(address, loopback):
    assert dask_cluster._is_loopback(address) is loopback


def test_scheduler_that_does_not_answer_is_named(monkeypatch):
    monkeypatch.setattr(dask_cluster, "ANSWER", 0.5)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        for given in ("tcp://127.0.0.1:9", "127.0.0.1:9", f"tcp://127.0.0.1:{silent.getsockname()[1]}"):
            monkeypatch.setenv(dask_cluster.SCHEDULER, given)
            with pytest.raises(
                CrnsimError, match=f"CRNSIM_DASK_SCHEDULER={given}: no Dask scheduler answers"
            ):
                results_of(points_of()[:1])


def test_worker_is_no_scheduler(monkeypatch):
    with in_this_process(1) as cluster:
        monkeypatch.setenv(dask_cluster.SCHEDULER, cluster.workers[0].address)
        with pytest.raises(InputError, match="what answers there is no Dask scheduler but Worker"):
            results_of(points_of()[:1])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no such file; give the address of a scheduler, such as tls://"),
        ("", "this is no scheduler file, or half of one"),
        ('{"address": "tc', "this is no scheduler file, or half of one"),
        ('{"workers": {}}', "this is no scheduler file, or half of one"),
        ('{"address": 5}', "this is no scheduler file, or half of one"),
        ('{"address": "http://127.0.0.1:1"}', "unknown address scheme 'http'"),
    ],
)
def test_scheduler_file_that_is_none_is_named(content, message, monkeypatch, here):
    if content is not None:
        (here / "scheduler.json").write_text(content)
    monkeypatch.setenv(dask_cluster.SCHEDULER, "scheduler.json")
    with pytest.raises(CrnsimError, match=f"^CRNSIM_DASK_SCHEDULER=scheduler.json: .*{message}"):
        results_of(points_of()[:1])


def test_patience_that_is_no_number_is_named(monkeypatch):
    monkeypatch.setenv(dask_cluster.SCHEDULER, "tcp://127.0.0.1:9")
    for text in ("soon", "-1", "inf"):
        monkeypatch.setenv(dask_cluster.PATIENCE, text)
        with pytest.raises(InputError, match=f"CRNSIM_DASK_PATIENCE is '{text}'; it must be a number"):
            results_of(points_of()[:1])


@needs_openssl
def test_recipe_for_slurm_makes_a_certificate_that_serves_all_and_that_only_its_owner_reads(here):
    pytest.importorskip("dask_jobqueue")
    recipe = runpy.run_path(str(ROOT / "profiles/dask/jobqueue.py"))
    tls = recipe["certificate"](here)
    security = Security(**{f"tls_{name}": file for name, file in tls.items()})
    for role in ("client", "scheduler", "worker"):
        assert security.get_connection_args(role)["ssl_context"] is not None
    assert (here / "key.pem").stat().st_mode & 0o077 == 0
    made = (here / "cert.pem").read_bytes()
    assert recipe["certificate"](here) == tls
    assert (here / "cert.pem").read_bytes() == made


@needs_openssl
@pytest.mark.slow
def test_sweep_of_six_chunks_over_tls_is_the_same_bytes_as_here(secure, tmp_path):
    file, settings = secure
    contents = set()
    for name, chunks, environment in [
        ("here", {"cells": 100, "workers": 1}, {}),
        ("there", {"cells": 2, "replicates": 1, "workers": 1}, {dask_cluster.SCHEDULER: str(file)}),
    ]:
        path = tmp_path / name
        path.mkdir()
        write_sweep(path / "small.yaml", chunks=chunks)
        folder = Folder(path)
        command = folder.command("summaries", "--configfile", "small.yaml", cores=4)
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            cwd=path,
            env=folder.environment | as_environment(settings) | environment,
        )
        assert done.returncode == 0, done.stderr + done.stdout
        contents.add((path / SUMMARY).read_bytes())
    assert len(folder.chunks) == 6
    assert len(contents) == 1
    logs = [log.read_text() for log in path.glob("results/small/logs/integrate/**/*.log")]
    assert all("Dask scheduler of CRNSIM_DASK_SCHEDULER: tls://127.0.0.1:" in log for log in logs)
    assert len(logs) == 6
