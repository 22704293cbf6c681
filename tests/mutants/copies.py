"""A copy of the checkout with a Python of its own, whose processes and their children all import the copy."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sysconfig
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Copy:
    """The tree and its virtual environment in a folder, which may exist already."""

    def __init__(self, folder: Path) -> None:
        self.tree = folder / "tree"
        self.python = folder / "venv" / "bin" / "python"
        shutil.rmtree(self.tree, ignore_errors=True)
        listed = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, stdout=subprocess.PIPE, check=True
        )
        for name in listed.stdout.decode().split("\0"):
            if name and (ROOT / name).is_file():
                (self.tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.tree / name)
        if not self.python.exists():
            self._make_python(folder / "venv")

    def _make_python(self, folder: Path) -> None:
        """Put the copy before the packages of this Python; their .pth files, of an editable install, do not count."""
        venv.create(folder, symlinks=True, with_pip=False)
        packages = next(folder.glob("lib/python*/site-packages"))
        (packages / "mutants.pth").write_text(f"{self.tree}\n{sysconfig.get_path('purelib')}\n", encoding="utf-8")
        for script in Path(sysconfig.get_path("scripts")).iterdir():
            if not (folder / "bin" / script.name).exists():
                (folder / "bin" / script.name).symlink_to(script)
        own = folder / "bin" / "aml-deploy"
        own.unlink(missing_ok=True)
        own.write_text(f"#!{self.python}\nimport sys\nfrom tui.cli import main\nsys.exit(main())\n", encoding="utf-8")
        own.chmod(0o755)

    def pytest(self, *arguments: str, limit: float | None = None, **environment: str) -> tuple[int | None, str]:
        """Run pytest; returns its exit code, or None if it took longer than `limit` seconds, and its output."""
        environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment}
        environ.pop("PYTHONPATH", None)
        command = [str(self.python), "-m", "pytest", "-p", "no:cacheprovider", *arguments]
        process = subprocess.Popen(
            [*command, f"--basetemp={self.tree.parent / 'temporary'}"],
            cwd=self.tree,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=limit)
            return process.returncode, output
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
            return None, "took too long"
