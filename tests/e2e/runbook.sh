#!/usr/bin/env bash
# The runbook's sections 1 to 3, command by command. Every curl line and every GATEWAY_ID block stands here as it stands
# there, with its placeholders; the test fills those and runs the file. Lines for az and kubectl are replaced by their
# effect in the lab, which the functions of lab.sh have.
set -u -o pipefail
source "<LAB_FUNCTIONS>"

step "1.1 Verify Primary is Down"
wait_for_status <PRIMARY_GATEWAY> failed
# Check gateway health dashboard
curl -s -H "Authorization: Bearer $TOKEN" \
  https://<PRIMARY_URL>/api/v1/admin/gateway-health | jq .

step "1.2 Start DR AKS Cluster"
az_aks start <DR_CLUSTER_ID>
wait_for_cluster <DR_CLUSTER_ID> Running Succeeded

step "1.3 Verify DR Gateway Pods"
wait_for_fresh_heartbeat <DR_GATEWAY>
gateway_state_file <DR_GATEWAY>

step "1.4 Activate DR Gateway"
# Activate DR for the affected environment
curl -s -X POST \
  -H "Authorization: Bearer $TOKEN" \
  https://<PRIMARY_URL>/api/v1/admin/failover/<ENVIRONMENT>/activate-dr | jq .

step "1.5 Verify DR is Active"
# Check health again
curl -s -H "Authorization: Bearer $TOKEN" \
  https://<PRIMARY_URL>/api/v1/admin/gateway-health | jq .

step "1.6 Verify Operations"
# Resolve the active gateway ID for the affected environment
GATEWAY_ID=$(curl -s -H "Authorization: Bearer $TOKEN" \
  https://<PRIMARY_URL>/api/v1/admin/gateways | \
  jq -r '.[] | select((.environment // .Environment) == "<ENVIRONMENT>" and (.activation_status // .ActivationStatus) == "active") | (.id // .ID)' | head -n1)

# Fail fast if no active gateway was resolved
if [ -z "$GATEWAY_ID" ] || [ "$GATEWAY_ID" = "null" ]; then
  echo "ERROR: No active gateway found for environment <ENVIRONMENT>"
  exit 1
fi
fact active_after_failover "$GATEWAY_ID"

# Test a rotation if possible (non-critical secret)
curl -s -X POST \
  -H "Authorization: Bearer $TOKEN" \
  https://<PRIMARY_URL>/api/v1/rotation/configs/<CONFIG_ID>/execute | jq .

# Check pending tasks are being claimed by the active gateway
curl -s -H "Authorization: Bearer $TOKEN" \
  "https://<PRIMARY_URL>/api/v1/admin/gateways/${GATEWAY_ID}/tasks?status=pending" | jq '.[] | {id, status, claimed_at}'
wait_for_claim <DR_GATEWAY>

step "2.1 Verify Primary is Recovered"
lab heal <PRIMARY_GATEWAY>
wait_for_fresh_heartbeat <PRIMARY_GATEWAY>
expect_status <PRIMARY_GATEWAY> failed
expect_refused_claim <PRIMARY_GATEWAY>
sleep <STABILITY_WINDOW>

step "2.2 Execute Failback"
curl -s -X POST \
  -H "Authorization: Bearer $TOKEN" \
  https://<PRIMARY_URL>/api/v1/admin/failover/<ENVIRONMENT>/failback | jq .

step "2.3 Verify Primary is Active"
# Health check
curl -s -H "Authorization: Bearer $TOKEN" \
  https://<PRIMARY_URL>/api/v1/admin/gateway-health | jq .

step "2.4 Stop DR AKS (Return to Cold Standby)"
wait_for_cluster <DR_CLUSTER_ID> Stopped Succeeded

step "3 Tasks Stuck After Failover"
GATEWAY_ID=$(curl -s -H "Authorization: Bearer $TOKEN" \
  https://<PRIMARY_URL>/api/v1/admin/gateways | \
  jq -r '.[] | select((.environment // .Environment) == "<ENVIRONMENT>" and (.activation_status // .ActivationStatus) == "active") | (.id // .ID)' | head -n1)

if [ -z "$GATEWAY_ID" ] || [ "$GATEWAY_ID" = "null" ]; then
  echo "ERROR: No active gateway found for environment <ENVIRONMENT>"
  exit 1
fi
fact active_after_failback "$GATEWAY_ID"

curl -s -H "Authorization: Bearer $TOKEN" \
  "https://<PRIMARY_URL>/api/v1/admin/gateways/${GATEWAY_ID}/tasks?status=running" | jq .
