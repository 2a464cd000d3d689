# Functions of runbook.sh: what az and kubectl would do, done to the lab; waits with a limit; facts for the test to read.
# The test sets LAB_FILE, LAB_COMMAND, FACTS and API (the lab's URL) in the environment.

TOKEN=$(jq -r .admin_token "$LAB_FILE")
ARM=$(jq -r .arm_url "$LAB_FILE")
LIMIT_S=90

step() { printf '\n== %s\n' "$1"; }

fact() { printf '%s=%s\n' "$1" "$2" >>"$FACTS"; }

fail() { printf 'FAILED: %s\n' "$1" >&2; exit 1; }

lab() { $LAB_COMMAND "$@"; }

api() { curl -s -H "Authorization: Bearer $TOKEN" "$API/api/v1/$1"; }

gateway() { api admin/gateway-health | jq -c --arg id "$1" '.gateways[] | select(.id == $id)'; }

until_true() { # until_true WHAT COMMAND...: repeats the command until it succeeds or the limit has passed
  local what=$1 ends=$((SECONDS + LIMIT_S))
  shift
  until "$@"; do
    [ $SECONDS -lt $ends ] || fail "waited $LIMIT_S s for $what"
    sleep 0.25
  done
}

has_status() { [ "$(gateway "$1" | jq -r .activation_status)" = "$2" ]; }

wait_for_status() { until_true "$1 to be $2" has_status "$1" "$2"; }

expect_status() { has_status "$1" "$2" || fail "$1 is not $2: $(gateway "$1")"; }

beats() { gateway "$1" | jq -e '.health == "healthy" and .heartbeat_age_seconds < 3' >/dev/null; }

wait_for_fresh_heartbeat() { until_true "a heartbeat of $1" beats "$1"; }

az_aks() { curl -sk -X POST -H "Authorization: Bearer lab" "$ARM$2/$1?api-version=2026-08-01" -o /dev/null -w "az aks $1: %{http_code}\n"; }

cluster_is() {
  local state
  state=$(curl -sk -H "Authorization: Bearer lab" "$ARM$1?api-version=2026-08-01" |
    jq -r '"\(.properties.powerState.code) \(.properties.provisioningState)"')
  [ "$state" = "$2 $3" ]
}

wait_for_cluster() {
  local LIMIT_S=200
  until_true "cluster $1 to be $2 / $3" cluster_is "$1" "$2" "$3"
}

gateway_state_file() { jq -c '{Role, Environment}' "$(dirname "$LAB_FILE")/state/$1.json"; }

claimed() { api "admin/gateways/$1/tasks?status=succeeded" | jq -e --arg id "$1" 'any(.gateway_id == $id)' >/dev/null; }

wait_for_claim() { until_true "a task done by $1" claimed "$1"; }

# What the old primary tries with its agent token is refused by the fence, whichever token it presents.
expect_refused_claim() {
  local agent answer
  agent=$(jq -r --arg id "$1" '.agent_tokens[$id]' "$LAB_FILE")
  answer=$(curl -s -X POST -H "Authorization: Bearer $agent" -H 'Content-Type: application/json' \
    -d "{\"environment\":\"$ENVIRONMENT\",\"fencing_token\":\"$OLD_TOKEN\",\"limit\":1}" \
    "$API/api/v1/gateways/$1/tasks/claim")
  fact refused_claim "$(jq -r .reason <<<"$answer")"
}
