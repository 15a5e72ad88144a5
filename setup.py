"""What pyproject.toml cannot say: the wheel carries the workflow, and the README has whole links in a package index."""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
#: Copied into crnsim/_share/ of the wheel; crnsim.sweep.workflow.workflow_folder finds them there.
CARRIED = ("Snakefile", "workflow", "profiles", "config")


class BuildWithWorkflow(build_py):
    """Copy the workflow beside the modules."""

    def run(self) -> None:
        """Build the modules, then what they carry; an editable installation uses that of the checkout."""
        super().run()
        if self.editable_mode:
            return
        for source in self.carried():
            target = Path(self.build_lib, "crnsim", "_share", source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / source, target)

    def carried(self) -> list[str]:
        """Return the files, from the root of the repository."""
        found = [path for name in CARRIED for path in [ROOT / name, *sorted((ROOT / name).rglob("*"))]]
        files = [path for path in found if path.is_file() and "__pycache__" not in path.parts]
        return [path.relative_to(ROOT).as_posix() for path in files]

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """Return what the wheel holds."""
        carried = [] if self.editable_mode else self.carried()
        shared = [str(Path(self.build_lib, "crnsim", "_share", name)) for name in carried]
        return [*super().get_outputs(include_bytecode), *shared]


def description() -> str:
    """Return README.md with whole addresses in place of relative links."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        address = tomllib.load(file)["project"]["urls"]["Homepage"]

    def whole(found: re.Match[str]) -> str:
        path = ROOT / found[2].partition("#")[0]
        kind = "raw" if found[1] else "tree" if path.is_dir() else "blob"
        return f"{found[1]}]({address}/{kind}/main/{found[2]})"

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    # An image within a link comes first; of both the end alone is looked at.
    text = re.sub(r"(!\[[^\]]*)\]\((?![a-z]+:)([^()\s]+)\)", whole, text)
    return re.sub(r"()\]\((?![a-z]+:)([^()\s]+)\)", whole, text)


if __name__ == "__main__":
    setup(
        cmdclass={"build_py": BuildWithWorkflow},
        long_description=description(),
        long_description_content_type="text/markdown",
    )
