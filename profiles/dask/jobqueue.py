"""Run a command beside Dask workers that are Slurm jobs, over TLS: a recipe to copy and to edit (docs/dask.md).

python profiles/dask/jobqueue.py --jobs 20 -- snakemake --cores 8 --config sweep=config/sweeps/quick.yaml

Needs dask-jobqueue, openssl, and a folder that all nodes see.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

from dask_jobqueue import SLURMCluster
from distributed.security import Security

ROLES = ("client", "scheduler", "worker")
#: A worker has one thread; so have the libraries in it.
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Run a command beside Dask workers that are Slurm jobs.")
    parser.add_argument("--jobs", type=int, default=2, help="Slurm jobs (default: 2)")
    parser.add_argument("--cores", type=int, default=4, help="of a job; each is one worker (default: 4)")
    parser.add_argument("--memory", type=float, default=2.0, help="GB of a worker (default: 2)")
    parser.add_argument("--walltime", default="04:00:00", help="of a job (default: 04:00:00)")
    parser.add_argument("--partition", help="of Slurm (default: its own)")
    parser.add_argument("--account", help="of Slurm (default: its own)")
    parser.add_argument("--interface", help="network between the nodes, such as ib0 (default: any)")
    parser.add_argument("--folder", type=Path, default=Path(".dask"), help="for certificate and logs (.dask)")
    parser.add_argument("command", nargs="+", help="after --")
    return parser.parse_args()


def certificate(folder: Path) -> dict[str, str]:
    """Return Dask's settings for one certificate of all; whoever has its key is trusted. It lasts a year."""
    key, cert = folder / "key.pem", folder / "cert.pem"
    day = ["openssl", "x509", "-checkend", "86400", "-noout", "-in", str(cert)]
    if not key.exists() or subprocess.run(day, check=False, capture_output=True).returncode:
        kind = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj /CN=crnsim"
        command = ["openssl", *kind.split(), "-keyout", str(key), "-out", str(cert)]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        key.chmod(0o600)
    pairs = {f"{role}_{kind}": str(file) for role in ROLES for kind, file in (("cert", cert), ("key", key))}
    return {"ca_file": str(cert), **pairs}


def main() -> int:
    """Start the cluster, run the command with its address in the environment, stop the cluster."""
    given = options()
    folder = given.folder.absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    tls = certificate(folder)
    with SLURMCluster(
        cores=given.cores,
        processes=given.cores,
        memory=f"{given.cores * given.memory}GB",
        # A little more for the processes around the workers.
        job_mem=f"{round(given.cores * given.memory * 1000 + 500)}M",
        walltime=given.walltime,
        queue=given.partition,
        account=given.account,
        interface=given.interface,
        protocol="tls://",
        security=Security(require_encryption=True, **{f"tls_{name}": file for name, file in tls.items()}),
        scheduler_options={"dashboard_address": "127.0.0.1:0"},
        log_directory=str(folder / "logs"),
        worker_extra_args=["--dashboard-address", "127.0.0.1:0"],
        # Workers look for the files of a sweep where this command runs.
        job_script_prologue=[
            f"cd {shlex.quote(str(Path.cwd()))}",
            # Of its own: Dask looks there for modules, and in /tmp others could have made its folder.
            "export DASK_TEMPORARY_DIRECTORY=$(mktemp -d /tmp/dask-XXXXXXXX)",
            "trap 'rm -rf \"$DASK_TEMPORARY_DIRECTORY\"' EXIT",
            *(f"export {name}=1" for name in ONE_THREAD),
        ],
    ) as cluster:
        cluster.scale(jobs=given.jobs)
        print(f"{cluster.scheduler_address}; dashboard: {cluster.dashboard_link}", file=sys.stderr)
        file = folder / "scheduler.json"
        file.write_text(json.dumps({"address": cluster.scheduler_address}), encoding="utf-8")
        variables = {
            "CRNSIM_DASK_SCHEDULER": str(file),
            "DASK_DISTRIBUTED__COMM__TLS__CA_FILE": tls["ca_file"],
            "DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT": tls["client_cert"],
            "DASK_DISTRIBUTED__COMM__TLS__CLIENT__KEY": tls["client_key"],
        }
        return subprocess.run(given.command, check=False, env=os.environ | variables).returncode


if __name__ == "__main__":
    sys.exit(main())
