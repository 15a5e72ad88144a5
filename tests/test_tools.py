"""What kills runs leaves none behind."""

from __future__ import annotations

import subprocess
import sys

import kill_and_resume
import psutil
import pytest


def test_whatever_ends_the_killing_ends_the_runs(monkeypatch, tmp_path):
    nested = "import subprocess, sys; subprocess.run(['sleep', '600'], start_new_session=True)"
    found = []

    def told_to_stop(*_):
        for _ in range(2):
            process = subprocess.Popen([sys.executable, "-c", nested], start_new_session=True)
            kill_and_resume.STARTED.append(process)
            while not (family := kill_and_resume.descendants(process)):
                pass
            found.extend([psutil.Process(process.pid), *family])
        kill_and_resume.kill(process, "main", None)
        raise SystemExit(1)

    monkeypatch.setattr(kill_and_resume, "_torment", told_to_stop)
    with pytest.raises(SystemExit):
        kill_and_resume.torment(tmp_path, kills=1, seed=0)
    _, alive = psutil.wait_procs(found, timeout=20)
    assert [one for one in alive if one.status() != psutil.STATUS_ZOMBIE] == []
    assert not kill_and_resume.STARTED
