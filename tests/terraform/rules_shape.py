"""Rules on the shape of the configuration: tags, descriptions, pins, sizes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.terraform.rules_stores import Sources
from tests.terraform.tree import blocks, walk

PURE: Final = ("modules/naming", "modules/policy")
LINES: Final = 200
# Azure has no tags on these.
UNTAGGED: Final = {
    "azapi_resource.no_basic_publishing", "azapi_resource.task_hub", "azurerm_consumption_budget_resource_group",
    "azurerm_federated_identity_credential", "azurerm_management_lock", "azurerm_monitor_diagnostic_setting",
    "azurerm_nat_gateway_public_ip_association", "azurerm_postgresql_flexible_server_active_directory_administrator",
    "azurerm_postgresql_flexible_server_configuration", "azurerm_postgresql_flexible_server_database",
    "azurerm_postgresql_flexible_server_firewall_rule", "azurerm_postgresql_flexible_server_virtual_endpoint",
    "azurerm_role_assignment", "azurerm_role_definition", "azurerm_storage_container", "azurerm_storage_table",
    "azurerm_subnet", "azurerm_subnet_nat_gateway_association", "azurerm_subnet_network_security_group_association",
    "terraform_data",
}  # fmt: skip


def resources_are_tagged(sources: Sources) -> Iterator[str]:
    for block in blocks(sources, "resource"):
        is_untagged = block.labels[0].startswith("azuread_") or {block.labels[0], ".".join(block.labels)} & UNTAGGED
        if not is_untagged and block.body.get("tags") not in ("${var.tags}", "${local.tags}"):
            yield f"{block.address}: tags must be var.tags"


def nothing_resists_its_own_tests(sources: Sources) -> Iterator[str]:
    for block in blocks(sources, "resource"):
        for path, _ in walk(block.body):
            if path[-1:] == ("prevent_destroy",):
                yield f"{block.address}: prevent_destroy; a management lock also stops others and can be tested"
            if path == ("count",):
                yield f"{block.address}: count; with for_each a change in the middle moves nothing"


def variables_and_outputs_are_described(sources: Sources) -> Iterator[str]:
    for block in blocks(sources):
        if block.kind in ("variable", "output") and not str(block.body.get("description", "")).endswith("."):
            yield f"{block.path}: {block.kind} {block.labels[0]} needs a description, a sentence"
        if block.kind == "variable" and block.body.get("type") in (None, "any", "${any}"):
            yield f"{block.path}: variable {block.labels[0]} needs a type"


def providers_are_pinned_once(sources: Sources) -> Iterator[str]:
    wanted = _pins(sources, "")
    for module in sorted({path.rpartition("/")[0] for path in sources}):
        pins = _pins(sources, module)
        if any(wanted.get(name) != pin for name, pin in pins.items()):
            yield f"{module}: pins {pins}, the root pins {wanted}"
        if module and any(block.module == module for block in blocks(sources, "provider")):
            yield f"{module}: a provider is configured in the root"
        if module in PURE and (pins or any(block.module == module for block in blocks(sources, "resource"))):
            yield f"{module}: is tested without any provider and must need none"


def files_are_small(sources: Sources) -> Iterator[str]:
    for path, text in sources.items():
        if (lines := len(text.splitlines())) > LINES:
            yield f"{path}: {lines} lines, the limit is {LINES}; split it by purpose"


def _pins(sources: Sources, module: str) -> dict[str, str]:
    return {
        name: f"{pin['source']} {pin['version']}"
        for block in blocks(sources, "terraform")
        if block.module == module
        for required in block.body.get("required_providers", [])
        for name, pin in required.items()
    }


SHAPE_RULES: Final = (
    resources_are_tagged,
    nothing_resists_its_own_tests,
    variables_and_outputs_are_described,
    providers_are_pinned_once,
    files_are_small,
)
