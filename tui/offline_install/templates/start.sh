# start.sh TARGET: starts the inference server of the virtual environment at TARGET on port 5001.
# The service sets AML_APP_ROOT and AZUREML_ENTRY_SCRIPT for the scoring script, and AZUREML_MODEL_DIR for the model,
# as azure-ai-ml does for its local endpoints.
set -eu
target=$1
root=${AML_APP_ROOT:-/var/azureml-app}
script=${AZUREML_ENTRY_SCRIPT:-score.py}
case $script in
    /*) ;;
    *) script=$root/$script ;;
esac
if [ ! -f "$script" ]; then
    echo "There is no scoring script $script (AML_APP_ROOT=$root, AZUREML_ENTRY_SCRIPT=${AZUREML_ENTRY_SCRIPT:-})." >&2
    exit 1
fi
cd "$(dirname "$script")"
exec "$target/bin/azmlinfsrv" --entry_script "$script" --port 5001
