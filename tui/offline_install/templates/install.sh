# install.sh CONTEXT TARGET PYTHON: installs the wheels of CONTEXT into a virtual environment at TARGET.
# A Python in CONTEXT is unpacked to PYTHON. No package index is used.
set -eu
context=$1
target=$2
python=$3

mkdir -p "$python"
if [ -f "$context/python.tar.gz" ]; then
    tar -xzf "$context/python.tar.gz" -C "$python"
fi

found=
for candidate in "$python/bin/python@PYTHON@" python@PYTHON@ /opt/miniconda/bin/python /opt/miniconda/envs/*/bin/python \
    /opt/conda/bin/python /azureml-envs/*/bin/python /usr/local/bin/python@PYTHON@ /usr/bin/python@PYTHON@ python3 python; do
    path=$(command -v "$candidate" 2>/dev/null) || continue
    if "$path" -c 'import sys, venv; sys.exit("%d.%d" % sys.version_info[:2] != "@PYTHON@")' >/dev/null 2>&1; then
        found=$path
        break
    fi
    echo "Not Python @PYTHON@: $path"
done
if [ -z "$found" ]; then
    echo "The wheels are for Python @PYTHON@, which the base image does not have. Use a base image that has it (build-context" >&2
    echo "--image), include one (build-context --with-python), or change the conda file's version and write this folder again." >&2
    exit 1
fi
echo "Python: $found"

# The base image's settings must not redirect pip.
unset PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_FIND_LINKS PIP_CONSTRAINT PIP_TARGET PYTHONPATH PYTHONHOME || :
"$found" -m venv --without-pip "$target"
set -- "$context"/wheels/pip-*.whl
PIP_CONFIG_FILE=/dev/null "$target/bin/python" "$1/pip" install --no-index --find-links "$context/wheels" \
    --require-hashes --no-cache-dir --disable-pip-version-check --root-user-action=ignore -r "$context/requirements.txt"
"$target/bin/python" -m pip check --disable-pip-version-check
