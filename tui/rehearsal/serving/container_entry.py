"""Starts Azure ML's inference server in a scoring environment; runs in that environment's Python.

`python container_entry.py PLACE [argument of azmlinfsrv…]`. Without a container the server would listen on all
addresses of the machine; there PLACE is a Unix socket in a private folder, so that no other user can reach it. In a
container it is HOST:PORT. Standard library only, up to the import of the server.
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
    place = sys.argv.pop(1)
    host, _, port = ("unix", "", place) if place.startswith("/") else place.rpartition(":")
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

    def at_place(_host: str, _port: int, worker_count: int, *_health_port: int) -> None:
        serve(host, port, worker_count)

    amlserver_linux.run = at_place
    amlserver.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
