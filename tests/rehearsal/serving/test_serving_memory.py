"""What scoring servers take of the machine's memory: as the kernel's files say it, and as psutil says it elsewhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tui.rehearsal.serving import serving_memory

SERVER = "block = bytearray(64_000_000); print('ready', flush=True); input()"
KEEPER = f"import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', {SERVER!r}]))"


@pytest.mark.parametrize("has_proc", [True, False])
def test_a_deployments_processes_are_counted_without_their_keeper(
    has_proc: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if has_proc and not serving_memory.PROC.joinpath("self/status").exists():
        pytest.skip("this system has no /proc")
    if not has_proc:
        monkeypatch.setattr(serving_memory, "PROC", tmp_path / "none")
    keeper = tmp_path / "keeper.py"
    keeper.write_text(KEEPER)
    environment = {"HOME": str(tmp_path / "containers/one/instance-0"), "HOSTNAME": "blue-0"}
    with subprocess.Popen(
        [sys.executable, keeper], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        found = serving_memory.look(tmp_path / "containers")
        elsewhere = serving_memory.look(tmp_path / "others")
        process.communicate(b"\n")
    assert elsewhere == []
    [(instance, now, most)] = found
    assert instance == "blue-0"
    assert 64_000_000 <= now <= most < 200_000_000


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this system has no /proc")
def test_a_servers_memory_processor_time_and_socket_are_told_on_request(tmp_path: Path) -> None:
    work = "sum(range(30_000_000)); print('ready', flush=True); input()"
    folder = tmp_path / "containers"
    environment = {"HOME": str(folder / "one/instance-0"), "HOSTNAME": "blue-0", "XDG_RUNTIME_DIR": "/run/aml-x"}
    with subprocess.Popen(
        [sys.executable, "-c", work], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        found = serving_memory.servers(folder)
        process.communicate(b"\n")
    one = found.pop("blue-0")
    assert found == {} and serving_memory.servers(folder) == {}
    assert one["place"] == "/run/aml-x/s" and not one["limited"] and one["processes"] == 1
    assert one["cpu"] > 0.05 and one["bytes"] > 1_000_000
