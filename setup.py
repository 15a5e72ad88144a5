"""What pyproject.toml cannot say: the wheel carries the workflow, which stands beside the package in the repository."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

#: Copied into crnsim/_share/ of the wheel; crnsim.sweep.workflow.workflow_folder finds them there.
CARRIED = ("Snakefile", "workflow", "profiles", "config")


class BuildWithWorkflow(build_py):
    """Copy the workflow beside the modules."""

    def run(self) -> None:
        """Build the modules, then what they carry; an editable installation uses that of the checkout."""
        super().run()
        if self.editable_mode:
            return
        root = Path(__file__).resolve().parent
        for source in self.carried():
            target = Path(self.build_lib, "crnsim", "_share", source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / source, target)

    def carried(self) -> list[str]:
        """Return the files, from the root of the repository."""
        root = Path(__file__).resolve().parent
        found = [path for name in CARRIED for path in [root / name, *sorted((root / name).rglob("*"))]]
        files = [path for path in found if path.is_file() and "__pycache__" not in path.parts]
        return [path.relative_to(root).as_posix() for path in files]

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """Return what the wheel holds."""
        carried = [] if self.editable_mode else self.carried()
        shared = [str(Path(self.build_lib, "crnsim", "_share", name)) for name in carried]
        return [*super().get_outputs(include_bytecode), *shared]


setup(cmdclass={"build_py": BuildWithWorkflow})
