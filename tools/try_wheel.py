"""Install a wheel into an empty environment and use it there as a stranger would: `crnsim run`, and as a module."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

#: What a wheel must hold beside modules, and a source distribution too.
CARRIED = (
    *("Snakefile", "workflow/Snakefile", "workflow/rules/plan.smk", "workflow/envs/crnsim.yaml"),
    *("workflow/report/page.rst", "profiles/default/profile.yaml", "profiles/slurm/profile.yaml"),
    *("config/config.yaml", "config/sweeps/quick.yaml", "config/networks/majority.crn"),
)
EXAMPLES = (
    "gitignore",
    "xor/sweep.yaml",
    "csv/data/clouds.csv",
    "network/majority.crn",
    "inference/README.md",
)
#: The sweep of the demonstration, made small enough for a test.
SMALL = ("replicates=2", "running_times=[5]", "datasets.xor.epochs=2", "noise.rates.magnitudes=[0.1]")
SNAKEFILE = """
module crnsim:
    snakefile:
        "{snakefile}"
    config:
        {{
            "sweep": "demo/sweep.yaml",
            "name": "mine",
            "replicates": 2,
            "running_times": [5],
            "datasets": {{"xor": {{"epochs": 2}}}},
            "noise": {{"rates": {{"magnitudes": [0.1]}}}},
        }}


use rule * from crnsim as crnsim_*


rule mine:
    default_target: True
    input:
        "reports/mine.html",
    output:
        "copy.html",
    shell:
        "cp {{input}} {{output}}"
"""


def check_content(wheel: Path, source: Path) -> None:
    """Stop with a list of what is missing, or must not be there."""
    inside = set(zipfile.ZipFile(wheel).namelist())
    with tarfile.open(source) as archive:
        outside = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {f"crnsim/_share/{name}" for name in CARRIED} | {f"crnsim/examples/{name}" for name in EXAMPLES}
    missing = sorted(wanted - inside) + sorted({*CARRIED, "setup.py", "pyproject.toml"} - outside)
    strange = sorted(name for name in inside if not name.startswith(("crnsim/", "crnsim-")) or ".pyc" in name)
    if missing or strange:
        sys.exit(
            f"missing: {', '.join(missing) or 'nothing'}; must not be there: {', '.join(strange) or 'nothing'}"
        )


def bare_environment() -> dict[str, str]:
    """Return the environment without what would lead Python to another copy of the package."""
    return {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}


def install(wheel: Path, folder: Path) -> Path:
    """Make an environment with the wheel alone, beside the libraries of this one; nothing is fetched."""
    venv.create(folder)
    python = folder / "bin" / "python"
    command = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
    ]
    subprocess.run([*command, str(wheel)], check=True, cwd=folder, env=bare_environment())
    libraries = Path(sysconfig.get_path("purelib"))
    # A path in such a file is searched; an editable installation that lies there is not.
    (folder / libraries.relative_to(sys.prefix) / "libraries.pth").write_text(f"{libraries}\n")
    return python


def main(wheel: Path, source: Path) -> None:
    """Look into both files, install the wheel, and use it in an empty folder."""
    check_content(wheel, source)
    with tempfile.TemporaryDirectory() as name:
        here = Path(name).resolve()
        python = install(wheel.resolve(), here / "environment")
        assert (python.parent / "crnsim").exists()
        bare = bare_environment()
        bare["PATH"] = f"{python.parent}{os.pathsep}{os.environ['PATH']}"

        def run(*words: str, folder: Path = here) -> str:
            print("$", *words, flush=True)
            done = subprocess.run(words, cwd=folder, env=bare, stdout=subprocess.PIPE, text=True, check=False)
            print(done.stdout, end="", flush=True)
            if done.returncode:
                sys.exit(f"{' '.join(words)}: exit status {done.returncode}")
            return done.stdout

        run("crnsim", "init", "demo")
        said = run("crnsim", "run", "--config", *SMALL, folder=here / "demo")
        page = here / "demo" / "reports" / "sweep.html"
        assert f"Report: {page}" in said, said
        assert page.stat().st_size > 10_000
        snakefile = run("crnsim", "run", "--snakefile").strip()
        assert Path(snakefile).is_relative_to(here), f"{snakefile} is not that of the wheel"
        (here / "Snakefile").write_text(SNAKEFILE.format(snakefile=snakefile))
        run(str(python), "-m", "snakemake", "--cores", "2", "--quiet", "all")
        assert (here / "copy.html").read_bytes()[:15] == b"<!doctype html>"
    print("the wheel works in an empty folder, by itself and as a module")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
