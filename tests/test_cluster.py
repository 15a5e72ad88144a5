"""A sweep through a real Slurm: faults strike it, and its results are those of one machine."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
from small_sweeps import write_sweep

ROOT = Path(__file__).resolve().parent.parent
SUMMARY = "results/small/summary/xor-onepot-smooth.nc"
#: Four cells of six replicates, each point a chunk of its own: enough to be at work when the last fault strikes.
SWEEP = {
    "noise": {"rates": {"magnitudes": [0.05]}},
    "replicates": 6,
    "chunks": {"cells": 1, "replicates": 1, "workers": 1},
}
CHUNKS = 24
#: A script that can kill and restart the daemon of a node: ``SCRIPT node-crash NAME``, ``SCRIPT node-up NAME``.
CONTROL = "CRNSIM_TEST_SLURM"
#: Seconds after which a run counts as hanging: several times what it takes on two cores.
PATIENCE = 900

pytestmark = pytest.mark.slow


def slurm(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True, timeout=60).stdout


@pytest.fixture(scope="module")
def nodes() -> list[str]:
    """Return the names of the nodes of the Slurm that answers, or skip."""
    if shutil.which("sinfo") is None:
        pytest.skip("no Slurm here: there is no command sinfo")
    try:
        return sorted(set(slurm("timeout", "10", "sinfo", "--noheader", "--Node", "--format=%N").split()))
    except subprocess.CalledProcessError:
        pytest.skip("no Slurm answers: sinfo fails")


class Run:
    """A folder in which the workflow runs on a cluster, and the jobs it has there."""

    def __init__(self, folder: Path, profile: str) -> None:
        self.folder, self.profile = folder, profile
        self.log = folder / "snakemake.log"
        self.process: subprocess.Popen | None = None
        write_sweep(folder / "small.yaml", **SWEEP)

    def start(self, *words: str) -> subprocess.Popen:
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
        command = [
            *(sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "summaries"),
            *("--workflow-profile", str(ROOT / "profiles" / self.profile), "--directory", str(self.folder)),
            *(*words, "--configfile", "small.yaml"),
        ]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                command,
                env=os.environ | {"PYTHONPATH": path},
                cwd=self.folder,
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        return self.process

    def kill(self) -> None:
        """Kill Snakemake; its jobs go on."""
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def finish(self, process: subprocess.Popen) -> None:
        """Wait for success."""
        try:
            code = process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        assert code == 0, self.said[-5000:]

    def until(self, what: str, process: subprocess.Popen, happened: Callable[[], object]) -> None:
        """Wait until something has happened while the workflow runs."""
        deadline = time.monotonic() + PATIENCE
        while not happened():
            assert process.poll() is None, f"ended before {what}:\n{self.said[-5000:]}"
            assert time.monotonic() < deadline, f"waited too long for {what}:\n{self.said[-5000:]}"
            time.sleep(0.1)

    @property
    def said(self) -> str:
        return self.log.read_text()

    @property
    def n_chunks(self) -> int:
        # Neither half-written files nor pieces that are saved beside a chunk.
        return sum(path.stem.isalnum() for path in self.folder.glob("results/small/chunks/*/*/*.nc"))

    def jobs(self) -> list[dict[str, str]]:
        """Return what Slurm knows of the jobs that were submitted from the folder."""
        jobs = [
            dict(re.findall(r"(\S+?)=(\S*)", line))
            for line in slurm("scontrol", "-o", "show", "job").splitlines()
        ]
        return [job for job in jobs if job.get("WorkDir") == str(self.folder)]

    def running(self, node: str) -> list[dict[str, str]]:
        """Return the chunks that a node computes."""
        jobs = [job for job in self.jobs() if "rule_integrate" in job.get("StdOut", "")]
        return [job for job in jobs if job["JobState"] == "RUNNING" and job["NodeList"] == node]

    def cancel(self) -> None:
        """Cancel what waits or runs."""
        live = [
            job["JobId"] for job in self.jobs() if job["JobState"] in {"PENDING", "RUNNING", "COMPLETING"}
        ]
        if live:
            slurm("scancel", *live)

    def kill_workers(self) -> bool:
        """Kill the Dask workers of a chunk once they could have work; stopped before, they have. Say whether any were.

        A point whose worker dies twice is given up, so that nobody should do it again before the first death is told.
        """
        for server in psutil.process_iter(["cmdline", "cwd"]):
            words = " ".join(server.info["cmdline"] or [])
            if "multiprocessing.forkserver" not in words or server.info["cwd"] != str(self.folder):
                continue
            # Workers are the children of the server that forks them; it is a child of the command.
            with contextlib.suppress(psutil.NoSuchProcess, AttributeError, ValueError):
                command = server.parent().cmdline()
                log = self.folder / command[command.index("--log") + 1]
                if "Dask workers" not in log.read_text():
                    continue
                workers = server.children()
                for act in (psutil.Process.suspend, psutil.Process.kill):
                    for worker in workers:
                        act(worker)
                    time.sleep(1)
                return bool(workers)
        return False

    @property
    def lost_a_worker(self) -> bool:
        logs = self.folder.glob("results/small/logs/integrate/**/*.log")
        return any("a worker died" in log.read_text() for log in logs)


@pytest.fixture
def run(tmp_path, nodes) -> Iterator[Callable[[str], Run]]:
    """Make runs, and leave neither jobs nor nodes that are down."""
    runs = []
    bring_back(nodes)  # an earlier test may have been cut off

    def make(profile: str) -> Run:
        # A name that no earlier run had: Slurm remembers the jobs of that one by the folder.
        folder = tmp_path / f"{profile}-{uuid4().hex[:8]}"
        folder.mkdir()
        runs.append(Run(folder, profile))
        return runs[-1]

    yield make
    for one in runs:
        one.kill()
        one.cancel()
    bring_back(nodes)


def bring_back(nodes: list[str]) -> None:
    """Make nodes usable that are down, with their daemon where a script can start it."""
    for node in nodes:
        if state(node).startswith(("down", "drain")):
            if control := os.environ.get(CONTROL):
                slurm("bash", control, "node-up", node)
            else:
                slurm("scontrol", "update", f"nodename={node}", "state=resume")


@pytest.fixture(scope="module")
def expected(tmp_path_factory) -> bytes:
    """Return the summary as one machine makes it, in a single chunk."""
    folder = tmp_path_factory.mktemp("local")
    local = Run(folder, "default")
    write_sweep(folder / "small.yaml", **SWEEP | {"chunks": {"cells": 100, "workers": 1}})
    local.finish(local.start("--cores", "1"))
    return (folder / SUMMARY).read_bytes()


def state(node: str) -> str:
    return slurm("sinfo", "--noheader", "--Node", f"--nodes={node}", "--format=%T").split()[0]


def has_plugin(name: str) -> bool:
    return find_spec(f"snakemake_executor_plugin_{name}") is not None


@pytest.mark.skipif(not has_plugin("slurm"), reason="snakemake-executor-plugin-slurm is not installed")
def test_faults_on_slurm_change_no_bit(run, nodes, expected):
    if len(nodes) < 2:
        pytest.skip("takes two nodes: one fails while the other goes on")
    if os.geteuid() != 0:
        pytest.skip("only root may set a node down, and should on no cluster that others use")
    first, second = nodes[:2]
    sweep = run("slurm")
    settings = ["--slurm-init-seconds-before-status-checks", "3", "--latency-wait", "20"]
    memory = ["--default-resources", "mem_mb=1000 * attempt", "runtime=10 * attempt"]

    # The first attempt to build has less memory than Snakemake alone needs.
    too_little = ["--set-resources", "build:mem_mb=120 if attempt == 1 else 1500"]
    process = sweep.start(*settings, *too_little, *memory)
    sweep.until("the build without memory was tried again", process, lambda: sweep.n_chunks >= 1)
    builds = [job for job in sweep.jobs() if "rule_build" in job["StdOut"]]
    assert sorted(job["JobState"] == "COMPLETED" for job in builds) == [False, True], builds

    # A node is set down while it computes, and comes back: Slurm starts its jobs again.
    sweep.until("both nodes compute", process, lambda: sweep.running(first) and sweep.running(second))
    struck = {job["JobId"] for job in sweep.running(first)}
    slurm("scontrol", "update", f"nodename={first}", "state=down", "reason=test")
    time.sleep(2)
    if state(first).startswith("down"):
        slurm("scontrol", "update", f"nodename={first}", "state=resume")

    # The daemon of the other node is killed, with all it runs.
    control = os.environ.get(CONTROL)
    if control:
        sweep.until("the other node computes", process, lambda: sweep.running(second))
        struck |= {job["JobId"] for job in sweep.running(second)}
        slurm("bash", control, "node-crash", second)
        sweep.until("Slurm misses the node", process, lambda: state(second).startswith("down"))
        slurm("bash", control, "node-up", second)
    restarted = {job["JobId"] for job in sweep.jobs() if int(job["Restarts"]) > 0}
    assert restarted & struck

    # Snakemake itself is killed; its jobs are cancelled and the folder is unlocked by hand.
    sweep.until("most of the chunks", process, lambda: sweep.n_chunks >= 0.75 * CHUNKS)
    sweep.kill()
    assert sweep.n_chunks < CHUNKS
    sweep.cancel()
    unlock = sweep.start("--unlock")
    assert unlock.wait(timeout=60) == 0

    # The rest is computed by two Dask workers a chunk; those of one chunk are killed.
    process = sweep.start(*settings, *memory, "--set-threads", "integrate=2")

    def lost_a_worker() -> bool:
        deadline = time.monotonic() + (20.0 if sweep.kill_workers() else 0.0)
        while time.monotonic() < deadline and not sweep.lost_a_worker:
            time.sleep(0.1)
        return sweep.lost_a_worker

    sweep.until("the death of a Dask worker", process, lost_a_worker)
    sweep.finish(process)

    assert sweep.n_chunks == CHUNKS
    assert (sweep.folder / SUMMARY).read_bytes() == expected
    if not control:
        pytest.skip(f"all but one passed: no daemon was killed, as {CONTROL} names no script that can")


@pytest.mark.skipif(
    not has_plugin("cluster_generic"), reason="snakemake-executor-plugin-cluster-generic is not installed"
)
def test_generic_profile_gives_the_same_bits_and_tries_again_what_was_killed(run, expected):
    sweep = run("generic")
    settings = [
        "--latency-wait",
        "20",
        "--default-resources",
        "mem_mb=1000 * attempt",
        "runtime=10 * attempt",
    ]
    # Six chunks a job, two at a time.
    grouped = ["--groups", "integrate=chunks", "--group-components", "chunks=6", "--cores", "2"]
    process = sweep.start(*settings, *grouped)
    sweep.until("a job of chunks", process, lambda: sweep.n_chunks >= 1)
    killed = next(job["JobId"] for job in sweep.jobs() if job["JobState"] == "RUNNING")
    slurm("scancel", "--signal=KILL", "--full", killed)
    sweep.finish(process)
    assert "Trying to restart" in sweep.said
    assert sweep.n_chunks == CHUNKS
    assert (sweep.folder / SUMMARY).read_bytes() == expected


def test_generic_status_asks_again_before_a_job_counts_as_gone(tmp_path):
    """A list of jobs may be older than the job: then it must not be given up, or it would run twice."""
    profile = tmp_path / "profile"
    shutil.copytree(ROOT / "profiles/generic", profile)
    (profile / "commands.sh").write_text("alive() { cat listed; }\n")
    (tmp_path / ".snakemake/generic").mkdir(parents=True)
    (tmp_path / ".snakemake/generic/alive").write_text("1\n")

    def status(number: int) -> str:
        done = subprocess.run(
            ["bash", str(profile / "status"), str(number)],
            cwd=tmp_path,
            env=os.environ | {"CRNSIM_PATIENCE": "0"},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    (tmp_path / "listed").write_text("1\n77\n")
    assert status(77) == "running"
    assert status(78) == "failed"
    (tmp_path / "listed").unlink()
    assert status(78) == "running", "without an answer nothing is given up"
    (tmp_path / "listed").write_text("")
    (tmp_path / ".snakemake/generic/5").mkdir()
    (tmp_path / ".snakemake/generic/5/exit").write_text("0\n")
    assert status(5) == "success"
