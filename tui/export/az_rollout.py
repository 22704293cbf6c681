"""The plan's rollout as a part of the script of the Azure CLI: copies, steps with a test call each, and the way back.

The commands are those of Microsoft's how-to-safely-rollout-managed-endpoints.
"""

from __future__ import annotations

from tui.export.plan_source import Source, shell
from tui.plan.rules.durations import seconds_of
from tui.plan.rules.value_rules import steps_of

PLACE = '"${WHERE[@]}"'
STEPS, PAUSE_SECONDS, EVERY_SECONDS = (10, 50, 100), 300, 2
"""What a plan means that leaves them out."""


def planned(source: Source) -> bool:
    """Whether the plan has a rollout."""
    return bool(source.document.get("rollout"))


def note(source: Source) -> list[str]:
    """What the script does otherwise than `aml-deploy apply`."""
    if not planned(source):
        return []
    return [
        "rollout: deploy.sh goes the steps and goes back at the first test call that fails; error rates, latency and "
        "Azure's own metrics are judged by aml-deploy apply only."
    ]


def lines(source: Source) -> list[str]:
    """The part of the script after the deployments are there; it needs ENDPOINT, WHERE and say."""
    target = source.deployments()[-1].value("deployment.name")
    steps = steps_of(source.value("rollout.steps") or STEPS) or STEPS
    request = source.path("test.request")
    mirrored = source.value("mirror_traffic") or {}
    final = " ".join(f"{name}={share}" for name, share in source.traffic().items())
    return [
        f"NEW={shell(target)}",
        f"PAUSE={_seconds(source, 'rollout.pause', PAUSE_SECONDS)}  # seconds that each step is watched",
        f"FINAL={shell(final)}",
        "BEFORE=()  # who serves now, with shares; not the new one",
        "while IFS= read -r one || [ -n \"$one\" ]; do",
        '  case "$one" in "" | "$NEW="*) ;; *) BEFORE+=("$one") ;; esac',
        f'done < <(az ml online-endpoint show --name "$ENDPOINT" {PLACE} --query traffic --output json |',
        "  tr ',{}' '\\n\\n\\n' |",
        '  sed -n \'s/.*"\\([^"]*\\)": *\\([1-9][0-9]*\\).*/\\1=\\2/p\')',
        "",
        "split() {  # the split in which the new one gets $1 per cent, and the others keep their proportions",
        "  local rest=$((100 - $1)) sum=0 given=0 said='' one part",
        '  for one in "${BEFORE[@]}"; do sum=$((sum + ${one#*=})); done',
        '  for one in "${BEFORE[@]:1}"; do',
        '    part=$((${one#*=} * rest / sum)); given=$((given + part)); said="$said ${one%%=*}=$part"',
        "  done",
        '  echo "${BEFORE[0]%%=*}=$((rest - given))$said $NEW=$1"',
        "}",
        "shift_to() {",
        '  say "Requests go to: $1"',
        f'  az ml online-endpoint update --name "$ENDPOINT" --traffic "$1" {PLACE} >/dev/null',
        "}",
        "back() {",
        "  say 'A test call failed: the split of before comes back.'",
        *([_mirror(dict.fromkeys(mirrored, 0))] if mirrored else []),
        '  [ "${#BEFORE[@]}" -eq 0 ] || shift_to "$(split 0)"',
        "  exit 1",
        "}",
        *_calls(source, request),
        "",
        'say "$NEW takes over; first it is tested alone."',
        "call || back",
        'if [ "${#BEFORE[@]}" -eq 0 ]; then',
        '  shift_to "$FINAL"  # nobody serves yet, so there is nothing to go back to',
        "else",
        *(
            ["  say 'Copies of requests; nobody sees the answers.'", _mirror(mirrored), "  watch", _mirror(
                dict.fromkeys(mirrored, 0))]
            if mirrored
            else []
        ),
        *[line for step in steps[:-1] for line in (f'  shift_to "$(split {step})"', "  watch")],
        '  for one in "${BEFORE[@]}"; do',
        '    case " $FINAL " in *" ${one%%=*}="*) ;; *) FINAL="$FINAL ${one%%=*}=0" ;; esac',
        "  done",
        '  shift_to "$FINAL"',
        "  watch",
        "fi",
    ]  # fmt: skip


def _seconds(source: Source, key: str, otherwise: float) -> str:
    given = source.value(key)
    found = None if given is None else seconds_of(given)
    return f"{otherwise if found is None else found:g}"


def _mirror(shares: dict[str, int]) -> str:
    words = " ".join(f"{name}={share}" for name, share in shares.items())
    return f'  az ml online-endpoint update --name "$ENDPOINT" --mirror-traffic {shell(words)} {PLACE} >/dev/null'


def _calls(source: Source, request: str | None) -> list[str]:
    """The shell functions that test the new deployment, once and for the pause."""
    if not request:
        return ["call() { :; }  # the plan has no test.request", 'watch() { sleep "$PAUSE"; }']
    return [
        "call() {",
        f'  az ml online-endpoint invoke --name "$ENDPOINT" --deployment-name "$NEW" \\\n'
        f"    --request-file {shell(request)} {PLACE} >/dev/null",
        "}",
        "watch() {",
        "  local end=$((SECONDS + ${PAUSE%.*}))",
        "  while :; do",
        "    call || back",
        '    [ "$SECONDS" -lt "$end" ] || break',
        f"    sleep {_seconds(source, 'rollout.probe_every', EVERY_SECONDS)}",
        "  done",
        "}",
    ]
