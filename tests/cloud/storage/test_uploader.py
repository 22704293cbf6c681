"""Uploads that are throttled, cut off, refused, cancelled, killed and begun again."""

from __future__ import annotations

import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from scripted_service import Reply, Service

from tests.conftest import rehearsal_command
from tui.cloud.assets import models
from tui.cloud.auth.shared_token import SharedToken
from tui.cloud.errors import Cancelled, CloudError
from tui.cloud.http.retry import observed
from tui.cloud.session import Cloud, connect
from tui.cloud.storage import folder_files, uploader
from tui.cloud.storage.datastore import Datastore, default_datastore
from tui.cloud.storage.upload_pace import Pace
from tui.plan.model import Model, Plan, Workspace

XML = {"Content-Type": "application/xml"}
EMPTY = Reply(200, b"<EnumerationResults><Blobs/><NextMarker/></EnumerationResults>", XML)
CREATED = Reply(201, b"")
SIGNATURE = "cGxhbnRlZC1zaWduYXR1cmUtcGxhbnRlZA%3D%3D"


def refusal(status: int, code: str, **headers: str) -> Reply:
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>words of the storage</Message></Error>"
    return Reply(status, body.encode(), {**XML, "x-ms-error-code": code, **headers})


@pytest.fixture
def target(service: Service) -> Datastore:
    """A container of the scripted service, by a signature."""
    service.on("GET", "comp=list", EMPTY)
    service.on("GET", "comp=blocklist", refusal(404, "BlobNotFound"))
    service.on("PUT", "/container/p/", CREATED)
    sas = f"sv=2024-01-01&sr=c&sp=rwl&sig={SIGNATURE}"
    return Datastore("store", f"{service.url}/account", "container", sas)


def made(folder: Path, count: int, size: int = 100) -> list[folder_files.LocalFile]:
    folder.mkdir(exist_ok=True)
    for number in range(count):
        (folder / f"f{number:04}").write_bytes(os.urandom(size))
    return folder_files.walk(folder)


def upload(target: Datastore, local: list[folder_files.LocalFile], cancelled: Any = lambda: False) -> list[int]:
    seen: list[int] = []
    uploader.Upload(target, local, "p").run(lambda done, total: seen.append(done), cancelled)
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0, sum(file.size for file in local))
    return seen


@contextmanager
def requests_logged() -> Iterator[list[str]]:
    """What urllib3 logs of requests."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("urllib3.connectionpool")
    before = logger.level
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    try:
        yield lines
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


# Throttling


def test_the_pace_grows_halves_and_grows_again() -> None:
    pace = Pace(32)
    for _ in range(100):
        pace.leave(pace.enter(), taken=True)
    assert pace.limit == 32
    together = [pace.enter() for _ in range(20)]
    for epoch in together:
        pace.leave(epoch, throttled=True)
    assert pace.limit == 16  # twenty refusals of one moment are one sign
    pace.leave(pace.enter(), throttled=True)
    assert pace.limit == 8
    for _ in range(8):
        pace.leave(pace.enter(), taken=True)
    assert pace.limit in {8, 9}
    for _ in range(1000):
        pace.leave(pace.enter(), taken=True)
    assert pace.limit == 32


def test_after_stop_nobody_enters() -> None:
    pace = Pace(1)
    pace.enter()
    refused: list[bool] = []

    def wait() -> None:
        with pytest.raises(Cancelled):
            pace.enter()
        refused.append(True)

    waiting = threading.Thread(target=wait)
    waiting.start()
    pace.stop()
    waiting.join(30)
    assert refused == [True]


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "1"}], ids=["without a hint", "with Retry-After"])
def test_a_storm_of_throttling_is_got_over(
    service: Service, target: Datastore, tmp_path: Path, headers: dict[str, str]
) -> None:
    busy = [refusal(503 if number % 2 else 429, "ServerBusy", **headers) for number in range(12)]
    service.on("PUT", "/container/p/", *busy, CREATED)
    told: list[tuple[str, float]] = []
    with observed(lambda reason, delay: told.append((reason, delay))):
        upload(target, made(tmp_path / "m", 40))
    assert {reason for reason, _ in told} == {"The storage answered 503.", "The storage answered 429."}
    assert not headers or {delay for _, delay in told} == {1.0}
    sent = [path for verb, path, _, _ in service.requests if verb == "PUT"]
    assert len(sent) == 40 + 12
    assert len(set(sent)) == 40


def test_connections_that_break_are_made_anew(service: Service, target: Datastore, tmp_path: Path) -> None:
    def cut() -> Reply:
        raise ConnectionAbortedError

    service.on("PUT", "/container/p/", CREATED, cut, cut, CREATED, cut, CREATED)
    told: list[str] = []
    with observed(lambda reason, delay: told.append(reason)):
        upload(target, made(tmp_path / "m", 30))
    assert set(told) == {"The storage did not answer."}
    assert service.count("PUT", "/container/p/") == 33


def test_a_storage_that_never_answers_is_given_up(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    closed = Service(certificate)
    closed.close()
    target = Datastore("store", f"{closed.url}/account", "container", f"sig={SIGNATURE}")
    with pytest.raises(CloudError) as caught:
        upload(target, made(tmp_path / "m", 1))
    assert caught.value.title == "The connection to 127.0.0.1 failed, while uploading the model"
    assert SIGNATURE not in str(vars(caught.value))


# Proofs that end


def test_a_signature_that_ends_in_mid_upload_is_renewed(service: Service, target: Datastore, tmp_path: Path) -> None:
    asked: list[str] = []

    def renew() -> str:
        asked.append("again")
        return "sp=rwl&sig=bmV3"

    service.on("PUT", SIGNATURE, *[CREATED] * 5, refusal(403, "AuthenticationFailed"))
    service.on("PUT", "sig=bmV3", CREATED)
    ending = Datastore(target.name, target.account_url, target.container, target.credential, renew=renew)
    upload(ending, made(tmp_path / "m", 40))
    assert asked == ["again"]
    assert service.count("PUT", "sig=bmV3") == 35


def test_a_signature_that_cannot_be_renewed_ends_the_upload(
    service: Service, target: Datastore, tmp_path: Path
) -> None:
    service.on("PUT", "/container/p/", refusal(403, "AuthenticationFailed"))
    useless = Datastore("store", target.account_url, "container", target.credential, renew=lambda: "sig=bmV3")
    for one in (target, useless):
        with pytest.raises(CloudError) as caught:
            upload(one, made(tmp_path / "m", 3))
        assert caught.value.code == "AuthenticationFailed"


def test_a_token_that_ends_in_mid_upload_is_renewed(service: Service, target: Datastore, tmp_path: Path) -> None:
    class Identity:
        def __init__(self) -> None:
            self.asked = 0

        def get_token(self, scope: str) -> Any:
            assert scope == "https://storage.azure.com/.default"
            self.asked += 1
            found = type("Token", (), {})()
            found.token, found.expires_on = f"token-{self.asked}", int(time.time()) + 3600
            return found

    identity = Identity()
    service.on("PUT", "/container/p/", CREATED, refusal(401, "InvalidAuthenticationInfo"), CREATED)
    upload(Datastore("store", target.account_url, "container", SharedToken(identity)), made(tmp_path / "m", 40))
    assert identity.asked == 2
    assert {headers["authorization"] for _, _, _, headers in service.requests} == {"Bearer token-1", "Bearer token-2"}


def test_the_signature_is_in_no_log(service: Service, target: Datastore, tmp_path: Path) -> None:
    service.on("PUT", "/container/p/", refusal(503, "ServerBusy"), CREATED)
    with requests_logged() as lines:
        upload(target, made(tmp_path / "m", 3))
    assert len([line for line in lines if '"PUT ' in line]) == 4
    assert not any(SIGNATURE[:20] in line for line in lines)


@pytest.mark.parametrize("opened", ["key", "identity"])
def test_storage_opened_by_its_key_or_by_the_identity(
    rehearsed: dict[str, Any], rehearsal_home: dict[str, str], tmp_path: Path, opened: str
) -> None:
    where = {**rehearsed["workspaces"]["managed"], "name": f"opened-by-{opened}"}
    words = [where[key] for key in ("subscription_id", "resource_group", "name")]
    asked = rehearsal_command("env", "--json", "--workspace", *words, "--datastore", opened, env=rehearsal_home)
    assert asked.returncode == 0, asked.stderr
    cloud = connect(Plan(workspace=Workspace(**where)))
    folder = tmp_path / "m"
    made(folder, 3)
    (folder / "an odd näme+%&.bin").write_bytes(os.urandom(9 * 1024 * 1024))
    target = default_datastore(cloud)
    assert isinstance(target.credential, str) == (opened == "key")
    prefix = uuid.uuid4().hex
    for sent in (True, False):
        with requests_logged() as lines:
            place, _ = uploader.upload_and_hash(
                target, folder_files.walk(folder), prefix, "m", lambda done, total: None, lambda: False
            )
        assert place == prefix and any('"PUT ' in line for line in lines) is sent


# Ends and beginnings


def test_after_a_cancel_no_request_begins(service: Service, target: Datastore, tmp_path: Path) -> None:
    arrived, release = threading.Event(), threading.Event()

    def hang() -> Reply:
        arrived.set()
        release.wait(60)
        return CREATED

    service.on("PUT", "/container/p/", hang)
    with pytest.raises(Cancelled):
        upload(target, made(tmp_path / "m", 200), arrived.is_set)
    release.set()
    for thread in threading.enumerate():
        if thread.name == "upload":
            thread.join(30)
            assert not thread.is_alive()
    # Those that were under way when it was cancelled: what the pace lets in after the list of what is there.
    assert 0 < service.count("PUT", "/container/p/") <= 9


def test_a_file_that_changes_meanwhile_is_told(target: Datastore, tmp_path: Path) -> None:
    local = made(tmp_path / "m", 2)
    local[1].path.write_bytes(b"shorter")
    with pytest.raises(CloudError, match="f0001 changed while it was read"):
        upload(target, local)
    local[1].path.write_bytes(bytes(101))
    with pytest.raises(CloudError, match="f0001 changed while it was read"):
        upload(target, local)


KILLED = """
import sys
from pathlib import Path
from tui.cloud.storage import folder_files, uploader
from tui.cloud.storage.datastore import default_datastore
from tui.cloud.session import connect
from tui.plan.model import Plan, Workspace

uploader._LARGE_AT_ONCE = 2  # of more than four pieces, two at least are with the storage then
cloud = connect(Plan(workspace=Workspace(*sys.argv[1:4])))
progress = lambda done, total: print(done, flush=True)
uploader.upload_and_hash(
    default_datastore(cloud), folder_files.walk(Path(sys.argv[4])), sys.argv[5], "m", progress, lambda: False
)
"""


@pytest.fixture
def cloud(rehearsed: dict[str, Any]) -> Cloud:
    return connect(Plan(workspace=Workspace(**rehearsed["workspaces"]["managed"])))


def test_what_a_killed_upload_has_sent_is_not_sent_again(
    cloud: Cloud, rehearsal_env: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    (folder / "weights").write_bytes(os.urandom(10 * folder_files.PIECE + 5))
    made(folder, 20)
    total, prefix = sum(file.size for file in folder_files.walk(folder)), uuid.uuid4().hex
    place = cloud.plan.workspace
    words = [place.subscription_id, place.resource_group, place.name, str(folder), prefix]
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, *words], env=rehearsal_env, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    done = next((int(line) for line in child.stdout if int(line) > 4 * folder_files.PIECE), 0)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert 0 < done < total

    with requests_logged() as lines:
        place_taken, digests = uploader.upload_and_hash(
            default_datastore(cloud), folder_files.walk(folder), prefix, "m", lambda done, total: None, lambda: False
        )
    blocks = [line for line in lines if re.search(r'"PUT [^ ]*comp=block&', line)]
    assert len(blocks) < 11
    assert place_taken == prefix
    assert digests == folder_files._hashed(folder_files.walk(folder), lambda: False, lambda done, total: None)
    target = default_datastore(cloud)

    from azure.storage.blob import ContainerClient

    client = ContainerClient(target.account_url, target.container, credential=target.credential)
    assert client.download_blob(f"{prefix}/m/weights").readall() == (folder / "weights").read_bytes()


def test_content_is_hashed_on_its_way_and_found_again(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "_WORTH_OVERLAPPING", 0)
    folder = tmp_path / "m"
    made(folder, 3)
    (folder / "weights").write_bytes(os.urandom(9 * 1024 * 1024))
    wanted = Model(name=f"m-{uuid.uuid4().hex[:8]}")
    first = models.bring(cloud, wanted, folder)
    assert first.version == "1" and not first.reused
    folder_files._hashes.clear()
    assert first.tags[models.CONTENT_TAG] == models.content_hash(folder)
    again = models.bring(cloud, wanted, folder)
    assert again.reused and again.id == first.id

    # Other bytes under the same names, sizes and times: what is registered stays as it is.
    before = (folder / "f0001").stat()
    kept = (folder / "f0001").read_bytes()
    (folder / "f0001").write_bytes(bytes(100))
    os.utime(folder / "f0001", ns=(before.st_atime_ns, before.st_mtime_ns))
    other = models.bring(cloud, Model(name=f"m-{uuid.uuid4().hex[:8]}"), folder)
    assert other.path != first.path
    from azure.storage.blob import ContainerClient

    target = default_datastore(cloud)
    client = ContainerClient(target.account_url, target.container, credential=target.credential)
    place = first.path.partition("/paths/")[2]
    assert client.download_blob(f"{place}/f0001").readall() == kept
    assert client.download_blob(f"{other.path.partition('/paths/')[2]}/f0001").readall() == bytes(100)


PEAK = """
import resource, sys, uuid
from pathlib import Path
from tui.cloud.storage import folder_files
from tui.cloud.storage.datastore import default_datastore
from tui.cloud.session import connect
from tui.cloud.storage.uploader import upload_and_hash
from tui.plan.model import Plan, Workspace

cloud = connect(Plan(workspace=Workspace(*sys.argv[1:4])))
local = folder_files.walk(Path(sys.argv[4]))
upload_and_hash(default_datastore(cloud), local, uuid.uuid4().hex, "m", lambda done, total: None, lambda: False)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("few", "many", "size"), [(300, 3000, 16384), (1, 4, 128 * 1024 * 1024)])
def test_memory_is_flat(
    cloud: Cloud, rehearsal_env: dict[str, str], tmp_path: Path, few: int, many: int, size: int
) -> None:
    place, peaks = cloud.plan.workspace, []
    for count in (few, many):
        folder = tmp_path / str(count)
        folder.mkdir()
        for number in range(count if size < 10**6 else 1):
            with (folder / str(number)).open("wb") as file:
                file.truncate(size if size < 10**6 else size * count)
        words = [place.subscription_id, place.resource_group, place.name, str(folder)]
        done = subprocess.run(
            [sys.executable, "-c", PEAK, *words], env=rehearsal_env, capture_output=True, text=True, check=True
        )
        peaks.append(int(done.stdout))
    assert peaks[1] < 1.3 * peaks[0], peaks
