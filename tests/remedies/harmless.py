"""Texts without a failure of an online endpoint: healthy logs, and errors of unrelated software."""

from __future__ import annotations

HEALTHY_SERVER = """\
Instance status:
SystemSetup: Succeeded
UserContainerImagePull: Succeeded
ModelDownload: Succeeded
UserContainerStart: Succeeded

Container events:
Kind: Pod, Name: Downloading, Type: Normal, Time: 2025-11-04T09:34:28.014129Z, Message: Start downloading models
Kind: Pod, Name: Pulled, Type: Normal, Time: 2025-11-04T09:35:39.114709Z, Message: Container image is pulled
Kind: Pod, Name: ContainerReady, Type: Normal, Time: 2025-11-04T09:35:58.98606958Z, Message: Container is ready

Container logs:
2025-11-04T09:35:42,021671581+00:00 | gunicorn/run | ###############################################
2025-11-04T09:35:42,461759326+00:00 | gunicorn/run | AzureML Inference Server
2025-11-04 09:35:42,638 I [13] gunicorn.error - Starting gunicorn 23.0.0
2025-11-04 09:35:42,638 I [13] gunicorn.error - Listening at: http://0.0.0.0:31311 (13)

Azure ML Inferencing HTTP server v{server}

Server Settings
---------------
Entry Script Name: /var/azureml-app/Online/score.py
Model Directory: /var/azureml-app/azureml-models/work-online-model/1
Worker Count: {workers}
Worker Timeout (seconds): 300
Application Insights Key: None
CORS for the specified origins: None

Server Routes
---------------
Liveness Probe: GET   127.0.0.1:31311/
Score:          POST  127.0.0.1:31311/score

2025-11-04 09:35:43,193 I [78] azmlinfsrv.user_script - Invoking user's init function
2025-11-04 09:35:43,558 I [78] azmlinfsrv.user_script - Users's init has completed successfully
2025-11-04 09:35:43,559 I [78] azmlinfsrv - Scoring timeout is set to 3600000
2025-11-04 09:35:43,559 I [78] azmlinfsrv - Worker with pid 78 ready for serving traffic
{access}
"""
PROBE = '2025-11-04 09:35:58,742 I [78] gunicorn.access - 127.0.0.1 - - "GET / HTTP/1.0" 200 7 "-" "kube-probe/1.29"'
SCORE = '2025-11-04 09:36:0{n},011 I [78] gunicorn.access - 127.0.0.1 - - "POST /score HTTP/1.0" 200 {n}24 "-" "curl"'
NOISE = (
    '2025-11-04 09:36:09,100 I [78] gunicorn.access - 127.0.0.1 - - "GET /favicon.ico HTTP/1.0" 404 207 "-" "Mozilla"',
    '2025-11-04 09:36:09,100 I [78] gunicorn.access - 10.1.0.408 - - "POST /score HTTP/1.0" 200 424 "-" "curl/8.4"',
    "2025-11-04 09:36:10,100 W [78] azmlinfsrv - Found extra keys in the config file that are not supported by it.",
    "2025-11-04 09:36:11,003 I [78] root - scored 429 rows in 408 ms",
    "/azureml-envs/lib/python3.10/site-packages/xgboost/core.py:158: UserWarning: [09:35] WARNING: no early stopping",
)

HEALTHY_BUILD = """\
2025/11/04 09:20:41 Downloading source code...
2025/11/04 09:20:42 Successfully logged into {registry}.azurecr.io
2025/11/04 09:20:42 Executing step ID: acb_step_0. Timeout(sec): 5400, Working directory: '', Network: 'acb_default'
Step 1/19 : FROM mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20260514.v1
Step 9/19 : RUN conda env create -p /azureml-envs/azureml_91cf96598daaf9857ba43d7ab7c3907a -f condaenv.yml
Collecting package metadata (repodata.json): ...working... done
Solving environment: ...working... done
Installing pip dependencies: ...working... done
Collecting {package}
  Downloading {package}-2.1.4-py3-none-manylinux2014_x86_64.whl (12.3 MB)
Building wheel for json-logging-py (setup.py): finished with status 'done'
Successfully installed Flask-3.0.3 azureml-inference-server-http-1.5.1 gunicorn-23.0.0 {package}-2.1.4
WARNING: Running pip as the 'root' user can result in broken permissions
Successfully built 8a7f8a7f8a7f
2025/11/04 09:27:41 Successfully pushed image: {registry}.azurecr.io/azureml/azureml_91cf9659:latest
Run ID: cj2 was successful after 7m3s
"""

UNRELATED = (
    """Traceback (most recent call last):
  File "/srv/shop/manage.py", line 22, in <module>
    main()
  File "/srv/shop/manage.py", line 13, in main
    from django.core.management import execute_from_command_line
ModuleNotFoundError: No module named 'django'""",
    """Traceback (most recent call last):
  File "/home/me/plot.py", line 3, in <module>
    import seaborn as sns
ModuleNotFoundError: No module named 'seaborn'""",
    """Traceback (most recent call last):
  File "report.py", line 9, in run
    data = json.load(open('input.json'))
FileNotFoundError: [Errno 2] No such file or directory: 'input.json'""",
    "requests.exceptions.ConnectionError: ('Connection aborted.', RemoteDisconnected('Remote end closed connection'))",
    "HTTPSConnectionPool(host='api.github.com', port=443): Max retries exceeded with url: /repos (Caused by "
    "NameResolutionError(\"Failed to resolve 'api.github.com' ([Errno -2] Name or service not known)\"))",
    "ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local "
    "issuer certificate while connecting to internal.example.org",
    "rsync: write failed on /mnt/backup/photos: No space left on device (28)",
    "npm ERR! code ENOTFOUND\nnpm ERR! network request to https://registry.npmjs.org/react failed",
    "npm ERR! code EACCES\nnpm ERR! syscall mkdir",
    "git@github.com: Permission denied (publickey).\nfatal: Could not read from remote repository.",
    "psycopg2.OperationalError: could not connect to server: Connection refused",
    "botocore.exceptions.ClientError: An error occurred (AccessDenied) when calling the PutObject operation",
    "botocore.exceptions.ClientError: An error occurred (ThrottlingException): Rate exceeded",
    "Warning  FailedScheduling  0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes are available",
    "Warning  BackOff  kubelet  Back-off restarting failed container web in pod web-7d9c_default",
    'Warning  Failed  kubelet  Failed to pull image "nginx:lates": manifest unknown\nError: ImagePullBackOff',
    "Last State: Terminated\n  Reason: OOMKilled\n  Exit Code: 137\n  Name: redis-0",
    'Liveness probe failed: Get "http://10.2.1.7:8080/healthz": dial tcp 10.2.1.7:8080: connect: connection refused',
    "[2026-05-26 19:49:12 +0200] [56] [ERROR] Worker (pid:66) was sent SIGKILL! Perhaps out of memory?\n"
    '127.0.0.1 - - "GET /adminpanel/admin_kanban/ HTTP/1.1" 200 58025',
    "[2025-07-28 05:21:05 +0000] [103] [CRITICAL] WORKER TIMEOUT (pid:617)\n/opt/render/project/src/.venv/lib",
    "java.lang.OutOfMemoryError: Java heap space\n\tat org.apache.spark.sql.execution.SparkPlan.executeCollect",
    "org.apache.spark.SparkException: Job aborted due to stage failure: Task 3 in stage 12.0 failed 4 times",
    "ERROR 1045 (28000): Access denied for user 'root'@'localhost' (using password: YES)",
    "docker: Error response from daemon: toomanyrequests: You have reached your pull rate limit.",
    "ERROR: Could not find a version that satisfies the requirement djnago (from versions: none)\n"
    "ERROR: No matching distribution found for djnago",
    "ERROR: ResolutionImpossible: for help visit https://pip.pypa.io/en/latest/topics/dependency-resolution/",
    "ERROR: Failed building wheel for psycopg2",
    "gmail: 452 4.2.2 The recipient's inbox is over quota",
    "HTTP/1.1 429 Too Many Requests\nserver: cloudflare\nretry-after: 30",
    "HTTP/2 404\nserver: nginx\n<html><title>404 Not Found</title></html>",
    "HTTP/1.1 500 Internal Server Error\nserver: Apache/2.4",
    "504 Gateway Time-out\nnginx/1.25.3",
    "error: exec format error: ./server-linux-arm64",
    "ImportError: libGL.so.1: cannot open shared object file: No such file or directory",
    'SyntaxError: invalid syntax (manage.py, line 3)\n  File "manage.py", line 3',
    "AttributeError: 'NoneType' object has no attribute 'split'",
    "terraform: Error acquiring the state lock: ConditionalCheckFailedException",
    "Access to fetch at 'https://api.example.org' from origin 'http://localhost:3000' has been blocked by CORS policy",
    "MLflow Run 3f2a completed; model logged to dbfs:/databricks/mlflow-tracking/123/artifacts/model",
    "actions: ['Microsoft.MachineLearningServices/workspaces/onlineEndpoints/score/action'], iss 'azureml'",
    "All 57 tests passed in 4.31 s",
    "The quick brown fox jumps over the lazy dog.",
)


def healthy_texts() -> list[str]:
    """Logs of servers and image builds without errors."""
    servers = [
        HEALTHY_SERVER.format(
            server=version,
            workers=workers,
            access="\n".join([*[PROBE] * 20, *(SCORE.format(n=n) for n in range(workers)), line, PROBE]),
        )
        for version, workers in (("1.3.4", 1), ("1.4.1", 2), ("1.5.1", 4))
        for line in NOISE
    ]
    builds = [
        HEALTHY_BUILD.format(registry=registry, package=package)
        for registry in ("mlacr", "02f210dd14eb4df1a8d3ac2f948c3ede")
        for package in ("xgboost-cpu", "scikit-learn", "lightgbm")
    ]
    return servers + builds
