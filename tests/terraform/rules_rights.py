"""Rules on rights: who may do what, named once and no wider than that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from shared.web import routes
from tests.terraform.rules_stores import Sources
from tests.terraform.tree import blocks, one_local

DR_ACTIONS: Final = {
    "Microsoft.ContainerService/managedClusters/read",
    "Microsoft.ContainerService/managedClusters/start/action",
    "Microsoft.ContainerService/managedClusters/stop/action",
    "Microsoft.ContainerService/managedClusters/runCommand/action",
    "Microsoft.ContainerService/managedClusters/commandResults/read",
}
PRIMARY_ACTIONS: Final = {"Microsoft.ContainerService/managedClusters/read"}
GRANTED: Final = {
    "${each.value}",  # the storage roles of modules/policy/roles.tf, and what main.tf names for telemetry
    "Durable Task Data Contributor",
    "Key Vault Secrets Officer",
    "Key Vault Secrets User",  # the receivers of notifications: one secret, held below to its scope
    "Log Analytics Reader",
    "Monitoring Metrics Publisher",
    "Storage Blob Data Contributor",
    "Website Contributor",
}
STORAGE_ROLES: Final = {
    "host_storage_roles": {
        "Storage Blob Data Owner", "Storage Queue Data Contributor", "Storage Table Data Contributor",
    },
    "lock_storage_roles": {"Storage Table Data Contributor"},
}  # fmt: skip
# An assignment names the id; with another one, everybody would lose the role.
API_ROLE_IDS: Final = {
    routes.READ: "3a30e277-76d0-4e27-ba83-6d66470b00fa",
    routes.OPERATE: "72e846cb-aec9-4a27-8e3f-9dae4a6046a5",
    routes.ADMIN: "ec884f70-a3d7-46ab-abe8-23e61dc0963a",
    routes.AGENT: "7395e1f3-82ca-464d-830c-17d180a1424c",
    "alert:ingest": "6c131fd6-e359-4486-962e-7aec3fbda40a",
}
AZURE_MONITOR: Final = "461e8683-5575-4561-ac7f-899cc907d62a"


def the_control_plane_has_exactly_its_actions(sources: Sources) -> Iterator[str]:
    actions = one_local(sources, "modules/policy", "cluster_actions")
    for site, wanted in (("dr", DR_ACTIONS), ("primary", PRIMARY_ACTIONS)):
        if set(actions[site]) != wanted or len(actions[site]) != len(wanted):
            yield f"cluster_actions.{site} is {actions[site]}, not exactly {sorted(wanted)}"
    roles = blocks(sources, "resource", "azurerm_role_definition")
    if len(roles) != 1:
        yield f"{[role.address for role in roles]}: one custom role per cluster is all there is"
    for role in roles:
        granted = role.body["permissions"][0]
        if granted != {"actions": "${var.control_plane_actions}"}:
            yield f"{role.address}: permissions come from modules/policy and from nowhere else"
        if role.body["assignable_scopes"] != ["${var.resource_group.id}"]:
            yield f"{role.address}: assignable in the site's resource group only"
    for right in blocks(sources, "resource", "azurerm_role_assignment"):
        is_custom = "role_definition_id" in right.body
        if is_custom and right.body["scope"] != "${azurerm_kubernetes_cluster.this.id}":
            yield f"{right.address}: the custom role counts on the cluster only"
    for call in blocks(sources, "module", "gateway_site"):
        if call.body["control_plane_actions"] != "${module.policy.cluster_actions[each.key]}":
            yield f"{call.path}: each site gets its own list of actions"


def built_in_roles_are_the_listed_ones(sources: Sources) -> Iterator[str]:
    for right in blocks(sources, "resource", "azurerm_role_assignment"):
        name = right.body.get("role_definition_name")
        if name is not None and name not in GRANTED:
            yield f"{right.address}: grants {name}; add it here with its reason or grant less"
        if "subscription" in right.body["scope"]:
            yield f"{right.address}: counts for the whole subscription"
    for name, wanted in STORAGE_ROLES.items():
        if set(one_local(sources, "modules/policy", name).values()) != wanted:
            yield f"{name} is not exactly {sorted(wanted)}"


def one_secret_is_read_and_no_vault(sources: Sources) -> Iterator[str]:
    for right in blocks(sources, "resource", "azurerm_role_assignment"):
        reads = right.body.get("role_definition_name") == "Key Vault Secrets User"
        if reads and right.body["scope"] != "${each.value.vault_id}/secrets/${each.value.secret_name}":
            yield f"{right.address}: the control plane reads one secret, not a vault"


def api_roles_are_the_routes_and_have_fixed_ids(sources: Sources) -> Iterator[str]:
    roles = one_local(sources, "modules/policy", "app_roles")
    if roles.keys() != API_ROLE_IDS.keys():
        yield f"app_roles are {sorted(roles)}, the routes ask for {sorted(API_ROLE_IDS)}"
    for name, role in roles.items():
        if role["id"] != API_ROLE_IDS.get(name):
            yield f"{name}: {role['id']}; a role keeps its id for ever"
    for name in (routes.AGENT, "alert:ingest"):
        if name in roles and roles[name]["members"] != ["Application"]:
            yield f"{name}: no person may have it"


def azure_monitor_gets_the_alert_role_by_its_id(sources: Sources) -> Iterator[str]:
    rights = [r for r in blocks(sources, "resource", "azuread_app_role_assignment") if r.labels[1] == "azure_monitor"]
    ids = [right.body["app_role_id"] for right in rights]
    if ids != ['${var.app_roles["alert:ingest"].id}']:
        yield f"Azure Monitor is assigned {ids}, not the id of alert:ingest: it might become an administrator"
    if one_local(sources, "modules/identity_api", "azure_monitor_client_id") != AZURE_MONITOR:
        yield "azure_monitor_client_id is not the application that action groups sign in as"
    for application in blocks(sources, "resource", "azuread_application"):
        if not application.body.get("owners"):
            yield f"{application.address}: without an owner here, the action group cannot be updated"
        if application.body["api"][0].get("requested_access_token_version") != 2:
            yield f"{application.address}: the product reads version 2 tokens"
    for principal in blocks(sources, "resource", "azuread_service_principal", "api"):
        if principal.body.get("app_role_assignment_required") is not True:
            yield f"{principal.address}: without a role nobody may get a token"


RIGHTS_RULES: Final = (
    the_control_plane_has_exactly_its_actions,
    built_in_roles_are_the_listed_ones,
    one_secret_is_read_and_no_vault,
    api_roles_are_the_routes_and_have_fixed_ids,
    azure_monitor_gets_the_alert_role_by_its_id,
)
