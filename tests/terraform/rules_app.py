"""Rules on the function app and the clusters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from tests.terraform.rules_stores import Sources
from tests.terraform.tree import Block, blocks, one_local, walk

API_VERSIONS: Final = {
    "Microsoft.Web/sites@2025-03-01",
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01",
    "Microsoft.DurableTask/schedulers@2026-02-01",
    "Microsoft.DurableTask/schedulers/taskHubs@2026-02-01",
}
# Settings that Flex Consumption ignores or refuses.
UNWANTED: Final = {
    "FUNCTIONS_WORKER_RUNTIME", "FUNCTIONS_EXTENSION_VERSION", "WEBSITE_RUN_FROM_PACKAGE",
    "SCM_DO_BUILD_DURING_DEPLOYMENT",
}  # fmt: skip
APP: Final = (
    (("kind",), "functionapp,linux"),
    (("properties", "httpsOnly"), True),
    (("properties", "keyVaultReferenceIdentity"), "${azurerm_user_assigned_identity.this.id}"),
    (("properties", "siteConfig", "minTlsVersion"), "1.2"),
    (("properties", "functionAppConfig", "deployment", "storage", "authentication", "type"), "UserAssignedIdentity"),
)
CLUSTER: Final = {
    "oidc_issuer_enabled": True,
    "workload_identity_enabled": True,
    "local_account_disabled": True,
    "role_based_access_control_enabled": True,
    "automatic_upgrade_channel": '${var.cold_standby ? null : "patch"}',
    "node_os_upgrade_channel": '${var.cold_standby ? "None" : "NodeImage"}',
}


def the_app_is_made_through_azapi(sources: Sources) -> Iterator[str]:
    for block in blocks(sources, "resource"):
        if re.search(r"_function_app|_app_service", block.labels[0]):
            yield f"{block.address}: azurerm writes a plain AzureWebJobsStorage (ADR 0016)"
        if block.labels[0].startswith("azapi_") and block.body.get("type") not in API_VERSIONS:
            yield f"{block.address}: {block.body.get('type')} is no version that was checked"
        if block.body.get("schema_validation_enabled") is False:
            yield f"{block.address}: leave the check of the body on"
    for path, wanted in APP:
        if (found := _at(the_app(sources).body["body"], path)) != wanted:
            yield f"function_app: {'.'.join(path)} is {found}, not {wanted}"
    for block in blocks(sources):
        for name in {path[-1] for path, _ in walk(block.body) if path} & UNWANTED:
            yield f"{block.path}: {name} means nothing on Flex Consumption"


def rights_exist_before_the_app(sources: Sources) -> Iterator[str]:
    app = the_app(sources)
    waits = " ".join(app.body["depends_on"])
    for right in blocks(sources, "resource", "azurerm_role_assignment"):
        is_apps = "azurerm_user_assigned_identity.this.principal_id" in right.body["principal_id"]
        if right.module == app.module and is_apps and f"azurerm_role_assignment.{right.labels[1]}}}" not in waits:
            yield f"{right.address}: the app must wait for it"
    if "terraform_data.start_after" not in waits:
        yield "function_app: must wait for what other modules grant"
    granted = str(next(iter(blocks(sources, "module", "control_plane"))).body["start_after"])
    for needed in ("role_assignment_id", "publisher_assignment_ids", "path_ids", "notification_channels"):
        if needed not in granted:
            yield f"module.control_plane: start_after lacks {needed}"


def the_identity_is_user_assigned(sources: Sources) -> Iterator[str]:
    for block in blocks(sources, "resource"):
        for identity in block.body.get("identity", []):
            if identity.get("type") != "UserAssigned":
                yield f"{block.address}: an identity of its own cannot have rights before it exists"


def two_http_instances_are_always_ready(sources: Sources) -> Iterator[str]:
    for variable in blocks(sources, "variable", "function"):
        conditions = [rule["condition"] for rule in variable.body.get("validation", [])]
        if not any('["http"]' in condition and ">= 2" in condition for condition in conditions):
            yield f"{variable.path}: function must refuse fewer than two http instances"


def nobody_owns_the_power_state(sources: Sources) -> Iterator[str]:
    for block in blocks(sources, "resource"):
        if block.labels[0] in ("azapi_resource_action", "azapi_update_resource", "null_resource"):
            yield f"{block.address}: Terraform neither starts nor stops anything"
        for path, _ in walk(block.body):
            if path[-1:] and path[-1] in ("provisioner", "power_state", "powerState"):
                yield f"{block.address}: {path[-1]} belongs to the control plane"


def clusters_can_be_stopped_and_federated(sources: Sources) -> Iterator[str]:
    for cluster in blocks(sources, "resource", "azurerm_kubernetes_cluster"):
        for name, wanted in CLUSTER.items():
            if cluster.body.get(name) != wanted:
                yield f"{cluster.address}: {name} must be {wanted}"
        if cluster.body["node_provisioning_profile"] != [{"mode": "Manual"}]:
            yield f"{cluster.address}: a cluster that provisions its own nodes cannot be stopped"
    for credential in blocks(sources, "resource", "azurerm_federated_identity_credential"):
        if credential.body["audience"] != ["api://AzureADTokenExchange"]:
            yield f"{credential.address}: Entra takes tokens for api://AzureADTokenExchange only"


def the_app(sources: Sources) -> Block:
    """Return the function app's block."""
    return next(b for b in blocks(sources, "resource", "azapi_resource") if b.labels[1] == "function_app")


def app_settings(sources: Sources) -> set[str]:
    """Return the names of all app settings that are written out."""
    names = set(one_local(sources, "modules/policy", "host_settings"))
    return names | set(one_local(sources, "modules/policy", "product_settings"))


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


APP_RULES: Final = (
    the_app_is_made_through_azapi,
    rights_exist_before_the_app,
    the_identity_is_user_assigned,
    two_http_instances_are_always_ready,
    nobody_owns_the_power_state,
    clusters_can_be_stopped_and_federated,
)
