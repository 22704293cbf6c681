"""Starts Azure ML's inference server in a scoring environment; runs in that environment's Python.

`python container_entry.py SOCKET [argument of azmlinfsrv…]`. The server itself would listen on all
addresses of the machine; here it listens on a Unix socket in a private folder, so that no other user
can reach it. Standard library only, up to the import of the server.
"""

from __future__ import annotations

import datetime
import sys

PACKAGE = "azureml_inference_server_http"


def _say(text: str) -> None:
    now = datetime.datetime.now(datetime.timezone.utc)
    # The base images' start script prints nanoseconds after a comma.
    print(f"{now:%Y-%m-%dT%H:%M:%S},{now.microsecond * 1000:09d}+00:00 | gunicorn/run | {text}", flush=True)


def main() -> int:
    """Run the server until it ends."""
    socket_path = sys.argv.pop(1)
    # The folder of this script must not precede the user's modules.
    del sys.path[0]
    _say("###############################################")
    _say("AzureML Inference Server")
    _say("###############################################")
    try:
        from azureml_inference_server_http import (  # type: ignore[import-not-found]
            amlserver,
            amlserver_linux,
        )
    except ModuleNotFoundError as error:
        if error.name != PACKAGE:
            raise
        # The message of the base images' start script.
        _say("A required package azureml-inference-server-http is missing.")
        _say("Add azureml-inference-server-http to the pip part of the environment's conda file.")
        return 100
    _say("Starting AzureML Inference Server HTTP.")
    serve = amlserver_linux.run

    def on_socket(_host: str, _port: int, worker_count: int, *_health_port: int) -> None:
        serve("unix", socket_path, worker_count)

    amlserver_linux.run = on_socket
    amlserver.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
