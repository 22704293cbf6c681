"""A package index on loopback that behaves like PyPI."""

from __future__ import annotations

import json
import threading
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
            "pandas": ["2.2.3"], "joblib": ["1.4.2"], "scikit-learn": ["1.5.2", "1.6.1"], "lightgbm-cpu": ["4.6.0"],
            "azureml-ai-monitoring": ["1.0.0"], "mlflow-skinny": ["2.16.2"],
        }.items()
    },
}  # fmt: skip
METADATA = {"azureml_inference_server_http-1.5.1-py3-none-any.whl": "Name: x\nRequires-Dist: flask<3.2,>=3.1.0\n"}


class Index(BaseHTTPRequestHandler):
    """Respond like PyPI; for packages whose name starts with `html-`, like older indexes."""

    def do_GET(self) -> None:
        name = self.path.strip("/").rpartition("/")[2]
        if self.path.endswith(".metadata"):
            return self._send("text/plain", METADATA[name[: -len(".metadata")]])
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
                "core-metadata": filename in METADATA, "yanked": False}  # fmt: skip

    def _send(self, kind: str, text: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""


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
