# Functions of runbook.sh: what az and kubectl would do, done to the lab by effects.py; each prints one JSON document.
# The test sets LAB_FILE and PYTHON, and the folder that holds `tests` is the current one.

TOKEN=$(jq -r .admin_token <"$LAB_FILE")

step() { printf '\n== %s\n' "$1"; }

say() { printf '"%s"\n' "$1"; }

effect() { "$PYTHON" -m tests.e2e.effects "$@" || exit 1; }

kill_gateway() { effect kill "$1"; }
heal_gateway() { effect heal "$1"; }
until_status() { effect until-status "$1" "$2"; }
az_aks_start() { effect az-aks-start "$1"; }
az_aks_show() { effect az-aks-show "$1"; }
kubectl_get_pods() { effect get-pods "$1"; }
kubectl_cat_state_file() { effect cat-state-file "$1"; }
until_task_done() { effect until-task-done "$1"; }
try_to_claim() { effect try-to-claim "$1"; }
until_stable() { effect until-stable "$1"; }
until_cluster_stopped() { effect until-cluster-stopped "$1"; }
