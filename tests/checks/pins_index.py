"""A package index on loopback that behaves like PyPI, with wheels that have metadata and nothing else."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WHEELS = {
    "azureml-inference-server-http": [("1.3.4", "py3-none-any", ">=3.8"), ("1.5.1", "py3-none-any", ">=3.9")],
    "xgboost-cpu": [("2.1.4", "py3-none-manylinux2014_x86_64", ">=3.8"), ("3.0.0rc1", "py3-none-any", ">=3.10")],
    "numpy": [("1.26.4", "cp310-cp310-manylinux_2_17_x86_64.manylinux2014_x86_64", ">=3.9"),
              ("1.26.4", "cp312-cp312-win_amd64", ">=3.9"), ("1.26.4", "", ">=3.9"),
              ("2.2.6", "py3-none-any", ">=3.8")],
    "flask": [("1.1.4", "py2.py3-none-any", ">=2.7"), ("3.1.0", "py3-none-any", ">=3.9")],
    "stable": [("1.0", "cp37-abi3-manylinux_2_28_x86_64", ">=3.7")],
    "sources-only": [("0.1", "", "")],
    # The other requirements of the presets.
    **{
        name: [(version, "py3-none-any", ">=3.8") for version in versions]
        for name, versions in {
            "pandas": ["2.2.3"], "joblib": ["1.4.2"], "scikit-learn": ["1.5.2", "1.6.1"], "lightgbm": ["4.6.0"],
            "azureml-ai-monitoring": ["1.0.0"], "mlflow-skinny": ["2.16.2"], "needs-old-numpy": ["1.0"],
            "needs-sources": ["1.0"],
        }.items()
    },
}  # fmt: skip
REQUIRES = {
    "azureml_inference_server_http-1.5.1": "flask<3.2,>=3.1.0",
    "needs_old_numpy-1.0": "numpy<2",
    "needs_sources-1.0": "sources-only",
}


class Index(BaseHTTPRequestHandler):
    """Respond like PyPI; for packages whose name starts with `html-`, like older indexes."""

    def do_GET(self) -> None:
        name = self.path.strip("/").rpartition("/")[2]
        if self.path.endswith(".metadata"):
            return self._send("text/plain", metadata(name[: -len(".metadata")]))
        listed = WHEELS.get(name[5:] if name.startswith("html-") else name)
        if listed is None:
            return self.send_error(404)
        files = [self._file(name, *one) for one in listed]
        if name.startswith("html-"):
            lines = [
                f'<a href="{one["url"]}" data-requires-python="{one["requires-python"].replace(">", "&gt;")}">'
                f"{one['filename']}</a>"
                for one in files
            ]
            return self._send("text/html", "<html><body>" + "<br>".join(lines))
        return self._send("application/vnd.pypi.simple.v1+json", json.dumps({"files": files}))

    def _file(self, name: str, version: str, tags: str, python: str) -> dict[str, Any]:
        stem = f"{name.replace('-', '_')}-{version}"
        filename = f"{stem}-{tags}.whl" if tags else f"{stem}.tar.gz"
        return {"filename": filename, "url": f"/files/{filename}", "requires-python": python,
                "core-metadata": bool(tags), "yanked": False, "hashes": {}}  # fmt: skip

    def _send(self, kind: str, text: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""


def metadata(filename: str) -> str:
    """The metadata of a wheel."""
    name, version = filename.split("-")[:2]
    needs = REQUIRES.get(f"{name}-{version}")
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    return "\n".join([*lines, *([f"Requires-Dist: {needs}"] if needs else []), ""])


def wheel(filename: str) -> bytes:
    """A wheel without modules."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        folder = "-".join(filename.split("-")[:2]) + ".dist-info"
        archive.writestr(f"{folder}/METADATA", metadata(filename))
        archive.writestr(f"{folder}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n")
        archive.writestr(f"{folder}/RECORD", "")
    return made.getvalue()


@contextmanager
def serving() -> Iterator[str]:
    """The URL of the index, for the duration of the `with` block."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Index)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/simple"
    finally:
        server.shutdown()
