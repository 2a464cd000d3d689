"""The configuration obeys the rules, and each rule finds the faults it was written for."""

from __future__ import annotations

import pytest

from tests.terraform.rules_alerts import ALERT_RULES
from tests.terraform.rules_app import APP_RULES
from tests.terraform.rules_rights import RIGHTS_RULES
from tests.terraform.rules_shape import SHAPE_RULES
from tests.terraform.rules_stores import STORE_RULES, Sources
from tests.terraform.tree import blocks, texts

RULES = (*STORE_RULES, *RIGHTS_RULES, *APP_RULES, *ALERT_RULES, *SHAPE_RULES)


def complaints(sources: Sources) -> list[str]:
    return [complaint for rule in RULES for complaint in rule(sources)]


def test_the_configuration_obeys_every_rule() -> None:
    sources = texts()
    assert len(blocks(sources, "resource")) > 60
    assert complaints(sources) == []


STORAGE, LOCKS = "modules/control_plane/storage.host.tf", "modules/control_plane/storage.locks.tf"
SETTINGS, ROLES = "modules/policy/app_settings.tf", "modules/policy/roles.tf"
APP, CLUSTER = "modules/control_plane/app.tf", "modules/gateway_site/cluster.tf"
SERVERS, MONITOR = "modules/database/servers.tf", "modules/identity_api/azure_monitor.tf"
LOG, METRIC = "modules/policy/alerts.log.tf", "modules/policy/alerts.metric.tf"
GROUPS, CUSTOM = "modules/alerts/groups.tf", "modules/gateway_site/control_plane_role.tf"
APPLICATION, EGRESS = "modules/identity_api/main.tf", "modules/network/egress.tf"

# (file, text in it, what a careless change makes of it, what the complaint says)
PLANTED = [
    (SETTINGS, "AzureWebJobsStorage__accountName", "AzureWebJobsStorage", "plain AzureWebJobsStorage"),
    (STORAGE, "shared_access_key_enabled         = false", "shared_access_key_enabled = true", "shared_access_key"),
    (LOCKS, "shared_access_key_enabled         = false", "shared_access_key_enabled = true", "shared_access_key"),
    (LOCKS, '"ZRS"', '"GZRS"', "account_replication_type must be ZRS"),
    (LOCKS, '"Deny"', '"Allow"', "deny by default"),
    (SETTINGS, "var.tables_endpoint", "azurerm_storage_account.lock.primary_access_key", "use the identity"),
    (SETTINGS, "var.tables_endpoint", "x.lock.primary_blob_connection_string", "use the identity"),
    (LOCKS, "azurerm_storage_account.lock.id\n}", "azurerm_storage_account.host.id\n}", "account with the locks"),
    (LOCKS, '"azurerm_storage_account" "lock"', '"azurerm_storage_account" "other"', "have one each"),
    ("modules/control_plane/deployer.tf", "azurerm_storage_container.packages.id", "azurerm_storage_account.lock.id",
     "no right on the locks"),
    (SERVERS, "password_auth_enabled         = false", "password_auth_enabled = true", "only Entra"),
    (SERVERS, '"azurerm_postgresql_flexible_server_virtual_endpoint"', '"azurerm_other"', "virtual endpoint"),
    (SERVERS, "!var.private", "true", "public endpoint"),
    ("modules/database/access.tf", "end_ip_address   = each.value.address", 'end_ip_address = "255.255.255.255"',
     "more than one address"),
    (SERVERS, "auto_grow_enabled ", 'administrator_password = "x"\n  auto_grow_enabled ', "use an identity"),
    (SETTINGS, "var.database_url", '"postgresql://u@h/d?password=x"', "carries a secret"),
    ("variables.people.tf", 'variable "vault_ids"', 'variable "database_password"', "does not pass through Terraform"),
    (MONITOR, '"azuread_service_principal" "azure_monitor"', '"azuread_application_password" "x"', "makes a secret"),
    (ROLES, '"Microsoft.ContainerService/managedClusters/stop/action",\n', "", "cluster_actions.dr"),
    (ROLES, "managedClusters/start/action", "managedClusters/write", "cluster_actions.dr"),
    (ROLES, 'primary = ["Microsoft.ContainerService/managedClusters/read"]',
     'primary = ["Microsoft.ContainerService/managedClusters/stop/action"]', "cluster_actions.primary"),
    (CUSTOM, "var.control_plane_actions", '["*"]', "from nowhere else"),
    (CUSTOM, "assignable_scopes = [var.resource_group.id]", 'assignable_scopes = ["/"]', "resource group only"),
    (CUSTOM, "scope                            = azurerm_kubernetes_cluster.this.id",
     "scope = var.resource_group.id", "on the cluster only"),
    ("main.gateways.tf", "cluster_actions[each.key]", 'cluster_actions["dr"]', "its own list"),
    ("main.gateways.tf", "Key Vault Secrets Officer", "Owner", "grants Owner"),
    ("main.control_plane.tf", "}/secrets/${each.value.secret_name}", "}", "not a vault"),
    (APP, "keyVaultReferenceIdentity = azurerm_user_assigned_identity.this.id", "x = 1", "keyVaultReferenceIdentity"),
    ("main.control_plane.tf", "azurerm_role_assignment.notification_channels : right.id", "[] : right", "lacks notif"),
    ("modules/alerts/log.tf", "= var.workspace_id\n  role", "= var.subscription_id\n  role", "whole subscription"),
    (ROLES, '"Storage Table Data Contributor"\n  }\n\n', '"Storage Account Contributor"\n  }\n\n',
     "lock_storage_roles"),
    (ROLES, '"gateway:operate" = {', '"gateway:operator" = {', "the routes ask for"),
    (ROLES, '"6c131fd6-e359-4486-962e-7aec3fbda40a"', '"3a30e277-76d0-4e27-ba83-6d66470b00fa"', "keeps its id"),
    (ROLES, 'members      = ["Application"]', 'members = ["User", "Application"]', "no person"),
    (MONITOR, 'var.app_roles["alert:ingest"].id', "values(var.app_roles)[0].id", "become an administrator"),
    (APPLICATION, "461e8683", "00000000", "action groups sign in as"),
    (APPLICATION, "owners = [data.azuread_client_config.current.object_id]\n\n  api", "\n  api", "without an owner"),
    (APPLICATION, "requested_access_token_version = 2", "requested_access_token_version = 1", "version 2"),
    (APPLICATION, "app_role_assignment_required = true", "app_role_assignment_required = false", "without a role"),
    (APP, '"azapi_resource" "no_basic_publishing"', '"azurerm_function_app_flex_consumption" "x"', "ADR 0016"),
    (APP, "sites@2025-03-01", "sites@2019-08-01", "no version that was checked"),
    (APP, "  body = {\n    kind", "  schema_validation_enabled = false\n  body = {\n    kind", "check of the body"),
    (APP, "httpsOnly              = true", "httpsOnly = false", "httpsOnly"),
    (APP, '"UserAssignedIdentity"', '"StorageAccountConnectionString"', "authentication.type"),
    (SETTINGS, "AZURE_CLIENT_ID  ", "FUNCTIONS_WORKER_RUNTIME  ", "means nothing on Flex"),
    (APP, "    azurerm_role_assignment.host_storage,\n", "", "must wait for it"),
    (APP, "    terraform_data.start_after,\n", "", "what other modules grant"),
    ("main.control_plane.tf", "site.role_assignment_id", "site.cluster_id", "lacks role_assignment_id"),
    (APP, 'type         = "UserAssigned"', 'type = "SystemAssigned"', "before it exists"),
    ("variables.sizes.tf", ">= 2\n    error_message = \"always_ready", ">= 1\n    error_message = \"always_ready",
     "fewer than two"),
    (CUSTOM, '"azurerm_role_assignment" "control_plane"', '"azapi_resource_action" "stop"', "neither starts nor stops"),
    (CLUSTER, '  sku_tier            = "Standard"', '  provisioner "local-exec" {\n  }\n',
     "belongs to the control plane"),
    (CLUSTER, 'mode = "Manual"', 'mode = "Auto"', "cannot be stopped"),
    (CLUSTER, 'null : "patch"', '"none" : "patch"', "automatic_upgrade_channel"),
    (CLUSTER, "local_account_disabled    = true", "local_account_disabled = false", "local_account_disabled"),
    ("modules/gateway_site/gateway_identity.tf", "api://AzureADTokenExchange", "api://other", "Entra takes tokens"),
    ("modules/alerts/log.tf", "local.properties[each.key]", '{ environment = "PRO" }', "own entry"),
    ("modules/alerts/metric.tf", "webhook_properties = local.properties[each.key]\n", "\n", "own entry"),
    ("modules/alerts/availability.tf", 'local.properties["availability"]', "{}", "own entry"),
    (GROUPS, "intent = rule.intent, ", "", "carry environment and intent"),
    ("main.alerts.tf", "region.display_name", "region.location", "matches no incident"),
    (METRIC, 'intent      = "primary-failed", audience', 'intent = "failover", audience', "needs an intent"),
    ("modules/policy/alerts.activity.tf", 'intent      = "primary-failed", audience = "control_plane"',
     'intent = "primary-failed", audience = "people"', "must hear of it"),
    (LOG, "query       = local.primary_silence", 'query = local.events["gateway.failed"]', "proves nothing"),
    (LOG, "ticks > 0 and beats == 0", "beats == 0", "silent itself"),
    (LOG, '"LessThan", threshold = 1', '"LessThan", threshold = 0', "dead-man's switch"),
    (LOG, "AppRequests\n    | where OperationName == \"health", "AppTraces\n    | where OperationName == \"health",
     "the host's own record"),
    (LOG, 'intent      = "signal", audience = "people", severity = 0\n      query       = local.ticks',
     'intent = "signal", audience = "control_plane", severity = 0\n      query = local.ticks', "what is broken"),
    ("modules/alerts/availability.tf", "/api/health/live", "/api/health/ready", "from outside"),
    (GROUPS, "/api/v1/alerts/azure-monitor", "/api/v1/hooks/azure-monitor", "the route is"),
    (GROUPS, "use_common_alert_schema = true\n\n", "\n", "common alert schema"),
    (GROUPS, "var.webhook.object_id", "var.webhook.client_id", "application's object id"),
    (GROUPS, "  webhook_receiver {", '  email_receiver {\n    name = "x"\n  }\n  webhook_receiver {', "of their own"),
    (EGRESS, "  sku_name            = \"Standard\"\n  tags                = var.tags\n", "\n", "tags must be"),
    (LOCKS, "  for_each = var.tables\n", "  lifecycle {\n    prevent_destroy = true\n  }\n", "management lock"),
    (EGRESS, "  for_each = local.egress\n", "  count = 1\n", "with for_each"),
    ("outputs.tf", 'description = "Names of the resource groups by place."\n', "\n", "needs a description"),
    ("variables.tf", "type        = bool", "type = any", "needs a type"),
    ("modules/alerts/versions.tf", "~> 5.2", "~> 4.0", "the root pins"),
    ("modules/policy/versions.tf", "}", '}\n\nresource "terraform_data" "x" {\n}', "must need none"),
    ("locals.tf", "locals {", "locals {" + "\n" * 200, "split it by purpose"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "text", "careless", "said"), PLANTED, ids=[f"{p[3]}-{p[0]}" for p in PLANTED])
def test_a_planted_fault_is_found(path: str, text: str, careless: str, said: str) -> None:
    sources = texts()
    assert text in sources[path], "the configuration has moved; plant the fault where it is now"
    found = complaints({**sources, path: sources[path].replace(text, careless)})
    assert any(said in complaint for complaint in found), found


def test_every_rule_has_a_planted_fault() -> None:
    """A rule that no planted fault makes speak is no rule."""
    sources = texts()
    spoke = set()
    for path, text, careless, said in PLANTED:
        faulty = {**sources, path: sources[path].replace(text, careless)}
        spoke |= {rule.__name__ for rule in RULES if any(said in complaint for complaint in rule(faulty))}
    assert spoke == {rule.__name__ for rule in RULES}
