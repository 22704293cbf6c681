"""The page with xterm.js in it. The packages come from the npm registry, once, into a cache folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "aml-deploy-webterm"
# Versions that belong together; the main branch of ttyd has xterm.js 5.5.
PACKAGES = (
    "@xterm/xterm@5.5.0",
    "@xterm/addon-fit@0.10.0",
    "@xterm/addon-clipboard@0.1.0",
    "@xterm/addon-unicode11@0.8.0",
)


def installed() -> Path:
    """The folder of the packages. Raises RuntimeError with what npm said."""
    folder = CACHE / "xterm-5.5.0"
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=CACHE))
        npm = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(temporary)]
        done = subprocess.run([*npm, *PACKAGES], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode:
            shutil.rmtree(temporary)
            raise RuntimeError(f"npm could not install xterm.js:\n{done.stdout}{done.stderr}")
        try:
            temporary.rename(folder)
        except OSError:  # another process was first
            shutil.rmtree(temporary)
    return folder / "node_modules"


def page() -> str:
    """page.html with the style and the scripts of xterm.js in it."""
    packages = installed()
    parts = [f"<style>{(packages / '@xterm/xterm/css/xterm.css').read_text(encoding='utf-8')}</style>"]
    for package in PACKAGES:
        name = package.rpartition("@")[0]
        script = (packages / name / "lib" / Path(name).name).with_suffix(".js")
        parts.append(f"<script>{script.read_text(encoding='utf-8')}</script>")
    html = Path(__file__).with_name("page.html").read_text(encoding="utf-8")
    return html.replace("<!--xterm-->", "\n".join(parts))
