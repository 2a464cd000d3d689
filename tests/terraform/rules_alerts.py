"""Rules on alerts: each names its environment and intent, and the monitor's silence is noticed without a timer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from tests.terraform.rules_stores import Sources
from tests.terraform.tree import blocks, one_local

CATALOGUES: Final = (
    "log_alerts", "metric_alerts", "resource_health_alerts", "service_health_alerts", "administrative_alerts",
)  # fmt: skip
INTENTS: Final = {"primary-failed", "primary-recovered", "signal"}
AUDIENCES: Final = {"control_plane", "people"}
RULE_TYPES: Final = {
    "azurerm_monitor_scheduled_query_rules_alert_v2": "custom_properties",
    "azurerm_monitor_metric_alert": "webhook_properties",
    "azurerm_monitor_activity_log_alert": "webhook_properties",
}
OWN_PROPERTIES: Final = ("${local.properties[each.key]}", '${local.properties["availability"]}')
WEBHOOK: Final = "https://${var.hostname}/api/v1/alerts/azure-monitor"
EVENT: Final = re.compile(r'local\.events\["([a-z_.]+)"\]')


def catalogue(sources: Sources) -> dict[str, dict[str, Any]]:
    """Return every rule of the catalogue by name."""
    rules = {name: rule for part in CATALOGUES for name, rule in one_local(sources, "modules/policy", part).items()}
    return rules | {"availability": one_local(sources, "modules/policy", "availability_alert")}


def every_rule_names_environment_and_intent(sources: Sources) -> Iterator[str]:
    for block in blocks(sources, "resource"):
        if (key := RULE_TYPES.get(block.labels[0])) is None:
            continue
        actions = block.body.get("action") or [
            content
            for part in block.body.get("dynamic", [])
            if "action" in part
            for content in part["action"]["content"]
        ]
        if not actions or any(action.get(key) not in OWN_PROPERTIES for action in actions):
            yield f"{block.address}: {key} must be the rule's own entry of local.properties"
    properties = one_local(sources, "modules/alerts", "properties")
    if not all(part in properties for part in ("environment = var.environment", "intent = rule.intent")):
        yield "modules/alerts: local.properties must carry environment and intent"
    for name, rule in catalogue(sources).items():
        if rule.get("intent") not in INTENTS or rule.get("audience") not in AUDIENCES or not rule.get("description"):
            yield f"{name}: needs an intent of {sorted(INTENTS)}, an audience of {sorted(AUDIENCES)}, a description"


def service_health_names_regions_as_azure_does(sources: Sources) -> Iterator[str]:
    """Azure compares `RegionName`, which is "West Europe"; azurerm hands on what it is given."""
    call = next(iter(blocks(sources, "module", "alerts")))
    if "display_name" not in call.body["regions"] or '"Global"' not in call.body["regions"]:
        yield "module.alerts: regions are display names and Global; a short name matches no incident"


def an_automatic_failover_has_evidence_of_its_own(sources: Sources) -> Iterator[str]:
    for name, rule in catalogue(sources).items():
        about_primary = rule["intent"] != "signal"
        if about_primary and rule["audience"] != "control_plane":
            yield f"{name}: the control plane must hear of it"
        if about_primary and EVENT.search(rule.get("query", "")):
            yield f"{name}: stems from the control plane's own log, so it proves nothing beyond the monitor's verdict"
    silence = one_local(sources, "modules/policy", "primary_silence")
    if "ticks > 0 and beats == 0" not in silence:
        yield "primary_silent: a control plane that is silent itself has not seen the primary fail"


def silence_of_the_monitor_is_noticed_without_a_timer(sources: Sources) -> Iterator[str]:
    rule = one_local(sources, "modules/policy", "log_alerts").get("monitor_silent", {})
    if (rule.get("operator"), rule.get("threshold")) != ("LessThan", 1) or rule.get("query") != "${local.ticks}":
        yield "monitor_silent: the dead-man's switch fires when no tick is in the log"
    if rule.get("audience") != "people":
        yield "monitor_silent: people are told; the control plane is what is broken"
    ticks = one_local(sources, "modules/policy", "ticks")
    if "AppRequests" not in ticks or "health_monitor" not in ticks:
        yield "ticks: what counts is the host's own record of the monitor's executions"
    tests = blocks(sources, "resource", "azurerm_application_insights_standard_web_test")
    if not any(test.body["request"][0]["url"].endswith("/api/health/live") for test in tests):
        yield "an availability test must look at the app from outside its region"


def the_webhook_is_a_secure_one(sources: Sources) -> Iterator[str]:
    groups = blocks(sources, "resource", "azurerm_monitor_action_group")
    receivers = [(group, receiver) for group in groups for receiver in group.body.get("webhook_receiver", [])]
    if [group.labels[1] for group, _ in receivers] != ["control_plane"]:
        yield "one action group has the webhook, and nothing else in it"
    for group, receiver in receivers:
        if receiver.get("service_uri") != WEBHOOK:
            yield f"{group.address}: the webhook is {receiver.get('service_uri')}, the route is {WEBHOOK}"
        if receiver.get("use_common_alert_schema") is not True:
            yield f"{group.address}: the product reads the common alert schema"
        if receiver.get("aad_auth", [{}])[0].get("object_id") != "${var.webhook.object_id}":
            yield f"{group.address}: signs in for the application's object id"
        if "email_receiver" in str(group.body):
            yield f"{group.address}: people have a group of their own"


ALERT_RULES: Final = (
    every_rule_names_environment_and_intent,
    service_health_names_regions_as_azure_does,
    an_automatic_failover_has_evidence_of_its_own,
    silence_of_the_monitor_is_noticed_without_a_timer,
    the_webhook_is_a_secure_one,
)
