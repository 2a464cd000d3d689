#!/usr/bin/env bash
# The runbook's sections 1 to 3, command by command. Every curl line and every GATEWAY_ID block stands here as it stands
# there, with its placeholders; the test fills those and runs the file. Lines for az and kubectl are replaced by their
# effect in the lab, which lab.sh has.
set -u
source "<LAB_FUNCTIONS>"

step "1.1"
kill_gateway <PRIMARY_GATEWAY>
until_status <PRIMARY_GATEWAY> failed
# Check gateway health dashboard
curl -s -H "Authorization: Bearer $TOKEN" \
  https://<PRIMARY_URL>/api/v1/admin/gateway-health | jq .

step "1.2"
# Start the stopped AKS cluster in DR region
az_aks_start <DR_GATEWAY>
# Wait for cluster to be ready (3-5 minutes)
az_aks_show <DR_GATEWAY>

step "1.3"
# Check pods
kubectl_get_pods <DR_GATEWAY>
# Check gateway state file exists (registered previously)
kubectl_cat_state_file <DR_GATEWAY> | jq .

step "1.4"
# Activate DR for the affected environment
curl -s -X POST \
  -H "Authorization: Bearer $TOKEN" \
  https://<PRIMARY_URL>/api/v1/admin/failover/<ENVIRONMENT>/activate-dr | jq .

step "1.5"
# Check health again
curl -s -H "Authorization: Bearer $TOKEN" \
  https://<PRIMARY_URL>/api/v1/admin/gateway-health | jq .

step "1.6"
# Resolve the active gateway ID for the affected environment
GATEWAY_ID=$(curl -s -H "Authorization: Bearer $TOKEN" \
  https://<PRIMARY_URL>/api/v1/admin/gateways | \
  jq -r '.[] | select((.environment // .Environment) == "<ENVIRONMENT>" and (.activation_status // .ActivationStatus) == "active") | (.id // .ID)' | head -n1)

# Fail fast if no active gateway was resolved
if [ -z "$GATEWAY_ID" ] || [ "$GATEWAY_ID" = "null" ]; then
  echo "ERROR: No active gateway found for environment <ENVIRONMENT>"
  exit 1
fi

step "1.6 resolved"
say "$GATEWAY_ID"

step "1.6 pending"
# Check pending tasks are being claimed by the active gateway
curl -s -H "Authorization: Bearer $TOKEN" \
  "https://<PRIMARY_URL>/api/v1/admin/gateways/${GATEWAY_ID}/tasks?status=pending" | jq '.[] | {id, status, claimed_at}'

step "1.6 rotation"
# Test a rotation if possible (non-critical secret)
curl -s -X POST \
  -H "Authorization: Bearer $TOKEN" \
  https://<PRIMARY_URL>/api/v1/rotation/configs/<CONFIG_ID>/execute | jq .

step "1.6 claimed"
until_task_done <DR_GATEWAY>

step "2.1"
heal_gateway <PRIMARY_GATEWAY>
# Check primary gateway pod status
kubectl_get_pods <PRIMARY_GATEWAY>

step "2.1 writes"
try_to_claim <PRIMARY_GATEWAY>

step "2.1 recovered"
until_stable <PRIMARY_GATEWAY>

step "2.2"
curl -s -X POST \
  -H "Authorization: Bearer $TOKEN" \
  https://<PRIMARY_URL>/api/v1/admin/failover/<ENVIRONMENT>/failback | jq .

step "2.3"
# Health check
curl -s -H "Authorization: Bearer $TOKEN" \
  https://<PRIMARY_URL>/api/v1/admin/gateway-health | jq .

step "3"
GATEWAY_ID=$(curl -s -H "Authorization: Bearer $TOKEN" \
  https://<PRIMARY_URL>/api/v1/admin/gateways | \
  jq -r '.[] | select((.environment // .Environment) == "<ENVIRONMENT>" and (.activation_status // .ActivationStatus) == "active") | (.id // .ID)' | head -n1)

if [ -z "$GATEWAY_ID" ] || [ "$GATEWAY_ID" = "null" ]; then
  echo "ERROR: No active gateway found for environment <ENVIRONMENT>"
  exit 1
fi

step "3 resolved"
say "$GATEWAY_ID"

step "3 running"
curl -s -H "Authorization: Bearer $TOKEN" \
  "https://<PRIMARY_URL>/api/v1/admin/gateways/${GATEWAY_ID}/tasks?status=running" | jq .

step "2.4"
# Nobody types az aks stop: the control plane stops the cluster itself when the hold time is over.
until_cluster_stopped <DR_GATEWAY>
