#!/usr/bin/env bash
# Tries gavelq on real cards: does NVML see our tasks' processes, are they given to the right task, and does the memory
# come back? Needs a real GPU with an NVIDIA driver, and Python 3.11 or newer.
#
#     scripts/gpu_check.sh [FREE_GPU_MIB]      # how much a task takes (default 2048)
#
# $PYTHON names an interpreter that can already import gavelq; otherwise the checkout's .venv is used, or else a
# virtual environment is made in a temporary directory. Everything that is started here is stopped again.
set -euo pipefail

mib="${1:-2048}"
root="$(cd "$(dirname "$0")/.." && pwd)"
work="$(mktemp -d "${TMPDIR:-/tmp}/gavelq-gpu-check.XXXXXX")"
export GAVELQ_HOME="$work/home" GAVELQ_SOCKET="$work/s"
unset GAVELQ_CONFIG GAVELQ_URL CUDA_VISIBLE_DEVICES
mkdir -p "$GAVELQ_HOME"
outsider=""
failures=0

finish() {
    local status=$?
    trap - EXIT
    # Only what this script started: its own daemon (by its socket), its tasks, and the one process outside of it.
    if [ -n "$outsider" ]; then kill "$outsider" 2>/dev/null || true; fi
    if [ -S "$GAVELQ_SOCKET" ]; then gavelq daemon stop --kill-tasks || true; fi
    if [ "$status" -ne 0 ] && [ -f "$GAVELQ_HOME/state/daemon.log" ]; then
        echo "--- the last that the daemon said"
        tail -n 40 "$GAVELQ_HOME/state/daemon.log" "$GAVELQ_HOME/state/daemon.out" 2>/dev/null
    fi
    rm -rf "$work"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

step() { printf '\n== %s\n' "$*"; }

check() { # check DESCRIPTION COMMAND...: runs it, counts a failure
    local what="$1"
    shift
    if "$@"; then echo "ok      $what"; else
        echo "FAILED  $what"
        failures=$((failures + 1))
    fi
}

gavelq() { "$python" -c 'import sys; from gavelq.cli.main import main; sys.exit(main())' "$@"; }

# ask EXPRESSION COMMAND...: evaluates Python over the command's JSON (`it`), prints the result
ask() {
    local expression="$1"
    shift
    gavelq "$@" -o json | "$python" -c 'import json, sys
it = json.load(sys.stdin)
print(eval(sys.argv[1]))' "$expression"
}

# until_true SECONDS EXPRESSION COMMAND...: waits until the expression over the command's JSON is true
until_true() {
    local deadline=$((SECONDS + $1))
    shift
    until [ "$(ask "$@")" = True ]; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.2
    done
}

submit() { gavelq submit -o json "$@" | "$python" -c 'import json, sys; print(json.load(sys.stdin)["id"])'; }
hold=("$root/examples/hold_memory.py")

step "Python"
if [ -z "${PYTHON:-}" ]; then
    if [ -x "$root/.venv/bin/python" ] && "$root/.venv/bin/python" -c 'import gavelq, fastapi, pynvml' 2>/dev/null; then
        PYTHON="$root/.venv/bin/python"
    else
        python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed"; exit 2; }
        python3 -m venv "$work/venv"
        "$work/venv/bin/pip" install --quiet "$root"
        PYTHON="$work/venv/bin/python"
    fi
fi
python="$PYTHON"
"$python" -c 'import gavelq, sys; print(sys.executable, "gavelq", gavelq.__version__)'

step "A real GPU"
if ! "$python" "${hold[@]}" 0 16; then
    echo "This check needs a real GPU that can be used from here."
    exit 3
fi
if command -v nvidia-smi >/dev/null; then nvidia-smi; fi

step "The daemon sees it"
gavelq daemon init
gavelq gpu list
ask '__import__("pprint").pformat(it)' gpu list
check "there is a GPU with its memory known" until_true 10 'any(g["memory_total_mib"] > 0 for g in it)' gpu list
free_gpu="$(ask 'next((g["index"] for g in it if g["state"] == "free"), "none")' gpu list)"
if [ "$free_gpu" = none ]; then
    echo "No GPU is free on this machine now; the tasks below would only wait."
    exit 3
fi

step "What the driver tells of faults and of distances"
look() {
    "$python" - <<'END'
from gavelq.adapters.gpu import open_probe

probe = open_probe("nvml", simulated_count=0, simulated_memory_mib=0, simulated_dir="")
for second in range(2):
    sample = probe.sample(float(second))
probe.close()
for card in sample.cards:
    print(f"GPU {card.index}: ECC errors {card.ecc_errors}, memory busy {card.memory_utilization} %, Xids {card.xids}")
for one, other, level in sample.links:
    print(f"{one} and {other}: {'NVLink' if level == 0 else f'PCIe, level {level}'}")
assert sample.cards and not sample.problem and not any(card.xids for card in sample.cards), sample
END
}
check "all cards are well" look
check "no card has a fault" until_true 5 'all(g["fault"] is None for g in it)' gpu list

step "A task that declares its memory"
declared="$(submit -n declared -g "$free_gpu" -m "$((mib * 2))M" -- "$python" "${hold[@]}" 600 "$mib")"
check "it runs" until_true 30 'it["state"] == "running"' task info "$declared"
check "NVML's process on the card is the task's" until_true 15 \
    "any(p['task_id'] == $declared and (p['memory_mib'] is None or p['memory_mib'] >= $mib) for g in it for p in g['processes'])" gpu list
check "nothing on that card is foreign" until_true 5 \
    "not [p for g in it if str(g['index']) == '$free_gpu' for p in g['processes'] if p['task_id'] is None]" gpu list
check "the card is not free any more" until_true 5 "all(g['state'] != 'free' for g in it if str(g['index']) == '$free_gpu')" gpu list
gavelq gpu list

step "A task that wants the whole card waits for it, and says why"
whole="$(submit -n whole -g "$free_gpu" -- "$python" "${hold[@]}" 3 "$mib")"
check "it is pending" until_true 10 'it["state"] == "pending" and bool(it["pending_reason"])' task info "$whole"
gavelq task why "$whole" || true

step "Killing the first one gives the card to the second"
gavelq task kill "$declared"
check "the first one is cancelled" until_true 30 'it["state"] == "cancelled"' task info "$declared"
check "the second one completes" until_true 60 'it["state"] == "completed" and it["exit_code"] == 0' task info "$whole"
gavelq task logs "$whole"

step "More memory than there is fails as the program says"
greedy="$(submit -n greedy -g "$free_gpu" -- "$python" "${hold[@]}" 3 1000000)"
check "it fails" until_true 60 'it["state"] == "failed" and it["exit_code"] == 1' task info "$greedy"
gavelq task why "$greedy" || true

step "A process that gavelq did not start is foreign"
# By UUID: without CUDA_DEVICE_ORDER, CUDA's own indices may mean other cards.
uuid="$(ask "next(g['uuid'] for g in it if str(g['index']) == '$free_gpu')" gpu list)"
CUDA_VISIBLE_DEVICES="$uuid" "$python" "${hold[@]}" 600 "$mib" >"$work/outsider.log" 2>&1 &
outsider=$!
check "it is seen with its owner" until_true 15 \
    "any(p['pid'] == $outsider and p['task_id'] is None and p['user'] for g in it for p in g['processes'])" gpu list
check "its card is foreign" until_true 15 "any(g['state'] == 'foreign' for g in it if str(g['index']) == '$free_gpu')" gpu list
respectful="$(submit -n respectful -g "$free_gpu" -- "$python" "${hold[@]}" 1 "$mib")"
check "a task for the whole card waits" until_true 10 'it["state"] == "pending"' task info "$respectful"
gavelq gpu list
kill "$outsider"
wait "$outsider" || true
outsider=""
check "it runs as soon as the card is free" until_true 60 'it["state"] == "completed"' task info "$respectful"

step "Results"
gavelq task list --all
check "every card's memory is given back" until_true 15 \
    "all(p['task_id'] is None for g in it for p in g['processes'])" gpu list
gavelq gpu list
if [ "$failures" -gt 0 ]; then
    echo "$failures check(s) failed"
    exit 1
fi
echo "All checks passed."
