"""The gateway's manifest names what the gateway reads, what Terraform gives, and the account that is federated."""

from __future__ import annotations

import re

from gateway_agent import settings
from tests.terraform.tree import TERRAFORM, blocks, texts
from tests.tidy.tree import ROOT

MANIFEST = (
    (ROOT / "docs" / "howto" / "deploy-the-gateway.md").read_text(encoding="utf-8").split("```yaml")[1].split("```")[0]
)
RUNBOOK = {settings.ENVIRONMENT, settings.ROLE, settings.IDENTITY}
REQUIRED = RUNBOOK | {settings.GATEWAY_ID, settings.CONTROL_PLANE_URL}
READ = REQUIRED | {settings.REGION, settings.STATE_FILE}


def test_the_manifest_sets_what_the_gateway_reads() -> None:
    assert set(re.findall(r"- name: ([A-Z][A-Z_]+)\n", MANIFEST)) == READ


def test_every_placeholder_of_a_variable_is_a_terraform_output() -> None:
    outputs = (TERRAFORM / "outputs.gateways.tf").read_text(encoding="utf-8")
    given = set(re.findall(r"^ +([A-Z][A-Z_]+) +=", outputs, flags=re.MULTILINE))
    assert given == READ - {settings.STATE_FILE}
    assert set(re.findall(r"<([A-Z][A-Z_]+)>", MANIFEST)) == given


def test_the_three_variables_of_the_runbook_are_one_output() -> None:
    outputs = {b.labels[0]: str(b.body["value"]) for b in blocks(texts(), "output") if b.module == ""}
    assert set(re.findall(r"\b([A-Z]+_[A-Z_]+) = ", outputs["gateway_environment_variables"])) == RUNBOOK


def test_the_service_account_is_the_federated_one_and_asks_for_its_token() -> None:
    defaults = next(str(b.body["type"]) for b in blocks(texts(), "variable", "kubernetes") if b.module == "")
    assert 'service_account = optional(string, "mazevault-gateway")' in defaults
    assert 'namespace = optional(string, "mazevault")' in defaults
    assert MANIFEST.count("mazevault-gateway\n  namespace: mazevault\n") == 2  # the account and the deployment
    assert "serviceAccountName: mazevault-gateway\n" in MANIFEST
    assert 'azure.workload.identity/client-id: "<AZURE_MANAGED_IDENTITY_CLIENT_ID>"' in MANIFEST
    assert 'azure.workload.identity/use: "true"' in MANIFEST
