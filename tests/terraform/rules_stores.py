"""Rules on stores: no keys, no passwords, no open door, locks apart from the host."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from tests.terraform.tree import blocks, walk

Sources: TypeAlias = Mapping[str, str]  # text of each file, by its path below infra/terraform

ACCOUNT: Final = {
    "shared_access_key_enabled": False,
    "default_to_oauth_authentication": True,
    "allow_nested_items_to_be_public": False,
    "local_user_enabled": False,
    "cross_tenant_replication_enabled": False,
    "min_tls_version": "TLS1_2",
    # A failover of a geo-redundant account brings an older copy, with lower fencing tokens.
    "account_replication_type": "ZRS",
}
KEYS: Final = re.compile(r"\.(?:primary|secondary)_(?:access_key|\w*connection_string)\b")
SECRET_NAMES: Final = re.compile(r"(?i)(?:password|secret|(?:access|account|shared)_?key)$")
SECRET_TEXT: Final = re.compile(r"(?i)(?:AccountKey|SharedAccessKey|password|sig)=|-----BEGIN")
NOT_SECRETS: Final = {"password_auth_enabled", "shared_access_key_enabled"}


def host_storage_has_no_connection_string(sources: Sources) -> Iterator[str]:
    for block in blocks(sources):
        for path, value in walk(block.body):
            if path[-1:] == ("AzureWebJobsStorage",) or value == "AzureWebJobsStorage":
                yield f"{block.path}: sets a plain AzureWebJobsStorage; the host would take it for a connection string"


def accounts_have_no_keys(sources: Sources) -> Iterator[str]:
    for account in blocks(sources, "resource", "azurerm_storage_account"):
        for name, wanted in ACCOUNT.items():
            if account.body.get(name) != wanted:
                yield f"{account.address}: {name} must be {wanted}"
        if account.body["network_rules"][0].get("default_action") != "Deny":
            yield f"{account.address}: network_rules must deny by default"
    for path, text in sources.items():
        if found := KEYS.search(text):
            yield f"{path}: reads {found.group()}; use the identity"


def locks_are_apart_from_the_host(sources: Sources) -> Iterator[str]:
    names = {account.labels[1] for account in blocks(sources, "resource", "azurerm_storage_account")}
    if names != {"host", "lock"}:
        yield f"there are storage accounts {sorted(names)}; the host and the locks have one each"
    for table in blocks(sources, "resource", "azurerm_storage_table"):
        if "azurerm_storage_account.lock.id" not in table.body["storage_account_id"]:
            yield f"{table.address}: the product's tables belong into the account with the locks"
    for right in blocks(sources, "resource", "azurerm_role_assignment"):
        if "deployer" in right.labels[1] and "lock" in right.body["scope"]:
            yield f"{right.address}: whoever deploys code has no right on the locks"


def databases_know_no_password(sources: Sources) -> Iterator[str]:
    servers = blocks(sources, "resource", "azurerm_postgresql_flexible_server")
    if len(servers) != 2 or not blocks(sources, "resource", "azurerm_postgresql_flexible_server_virtual_endpoint"):
        yield "a server, its replica and a virtual endpoint are needed: without the endpoint no replica is promoted"
    for server in servers:
        rules = server.body["authentication"][0]
        if rules.get("password_auth_enabled") is not False or rules.get("active_directory_auth_enabled") is not True:
            yield f"{server.address}: only Entra may authenticate"
        if server.body.get("public_network_access_enabled") != "${!var.private}":
            yield f"{server.address}: has a public endpoint although private ones were asked for"
    for door in blocks(sources, "resource", "azurerm_postgresql_flexible_server_firewall_rule"):
        if door.body["start_ip_address"] != door.body["end_ip_address"] or "0.0.0.0" in str(door.body):
            yield f"{door.address}: admits more than one address"


def nothing_is_secret(sources: Sources) -> Iterator[str]:
    for block in blocks(sources):
        if block.kind == "variable" and SECRET_NAMES.search(block.labels[0]):
            yield f"{block.path}: variable {block.labels[0]}; a secret does not pass through Terraform"
        if "password" in block.address or "client_secret" in block.address:
            yield f"{block.address}: makes a secret"
        for path, value in walk(block.body):
            name = path[-1] if path else ""
            if SECRET_NAMES.search(name) and name not in NOT_SECRETS:
                yield f"{block.path}: {name}; use an identity"
            is_pattern = "condition" in path or "error_message" in path
            if isinstance(value, str) and not is_pattern and SECRET_TEXT.search(value):
                yield f"{block.path}: {name} carries a secret"


STORE_RULES: Final = (
    host_storage_has_no_connection_string,
    accounts_have_no_keys,
    locks_are_apart_from_the_host,
    databases_know_no_password,
    nothing_is_secret,
)
