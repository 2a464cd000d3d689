"""One payload of each kind of alert in Azure Monitor's common schema, shaped as its payload samples are."""

from __future__ import annotations

import copy
import json
from typing import Any

GUID = "b9569717-bc32-442f-add5-83a997729330"
ALERT_ID = f"/subscriptions/00000000-0000-4000-8000-000000000002/providers/Microsoft.AlertsManagement/alerts/{GUID}"
CLUSTER = (
    "/subscriptions/00000000-0000-4000-8000-000000000002/resourcegroups/rg-gateway-pro/providers"
    "/microsoft.containerservice/managedclusters/aks-gateway-pro"
)
OURS = {"environment": "PRO", "intent": "primary-failed", "schema": "1"}

ESSENTIALS: dict[str, Any] = {
    "alertId": ALERT_ID,
    "alertRule": "gateway heartbeat NPR missing",  # names another environment on purpose: names mean nothing
    "severity": "Sev1",
    "signalType": "Metric",
    "monitorCondition": "Fired",
    "monitoringService": "Platform",
    "alertTargetIDs": [CLUSTER],
    "configurationItems": ["aks-gateway-pro"],
    "originAlertId": "3f2d4487-b0fc-4125-8bd5-7ad17384221e_rg_microsoft.insights_metricAlerts_x_-117781227",
    "firedDateTime": "2026-11-23T20:10:00.1234567Z",
    "description": "The primary gateway sends no heartbeats",
    "essentialsVersion": "1.0",
    "alertContextVersion": "1.0",
}
METRIC_CONTEXT: dict[str, Any] = {
    "properties": None,
    "conditionType": "SingleResourceMultipleMetricCriteria",
    "condition": {
        "windowSize": "PT5M",
        "allOf": [
            {
                "metricName": "node_cpu_usage_percentage", "metricNamespace": "Microsoft.ContainerService",
                "operator": "GreaterThan", "threshold": "25", "timeAggregation": "Average", "metricValue": 7.727,
                "dimensions": [{"name": "ResourceId", "value": "3efad9dc-3d50-4eac-9c87-8b3fd6f97e4e"}],
                "webTestName": None,
            }
        ],
        "windowStartTime": "2026-11-23T20:04:00Z",
        "windowEndTime": "2026-11-23T20:09:00Z",
    },
}  # fmt: skip


def payload(
    essentials: dict[str, Any] | None = None, context: dict[str, Any] | None = None, properties: Any = OURS
) -> dict[str, Any]:
    """Return an alert with some essentials changed (`...` leaves one out)."""
    merged = {**ESSENTIALS, **(essentials or {})}
    return copy.deepcopy(
        {
            "schemaId": "azureMonitorCommonAlertSchema",
            "data": {
                "essentials": {name: value for name, value in merged.items() if value is not ...},
                "alertContext": METRIC_CONTEXT if context is None else context,
                "customProperties": properties,
            },
        }
    )


def body(document: Any) -> bytes:
    """Return the document as the sender would send it."""
    return json.dumps(document).encode()


def _log() -> dict[str, Any]:
    condition = {
        "windowSize": "PT10M", "windowStartTime": "2026-11-23T20:00:00Z", "windowEndTime": "2026-11-23T20:10:00Z",
        "allOf": [
            {
                "searchQuery": "Heartbeat", "metricMeasureColumn": "CounterValue", "targetResourceTypes": "['x']",
                "operator": "LowerThan", "threshold": "1", "timeAggregation": "Average", "metricValue": 0,
                "dimensions": [{"name": "Gateway", "value": "gw-pro-primary"}],
                "failingPeriods": {"numberOfEvaluationPeriods": 1, "minFailingPeriodsToAlert": 1},
                "linkToSearchResultsUI": "https://portal.azure.com/x",
            }
        ],
    }  # fmt: skip
    return payload(
        {
            "monitoringService": "Log Alerts V2",
            "signalType": "Log",
            "alertTargetIDs": ["/subscriptions/s/workspaces/w"],
        },
        {"properties": {"intent": "other"}, "conditionType": "LogQueryCriteria", "condition": condition},
    )


def _activity_log() -> dict[str, Any]:
    context = {
        "authorization": {"action": "Microsoft.ContainerService/managedClusters/stop/action", "scope": CLUSTER},
        "channels": "Operation", "claims": "{}", "caller": "someone@example.net", "correlationId": GUID,
        "eventSource": "Administrative", "eventTimestamp": "2026-11-23T20:09:59Z", "eventDataId": GUID,
        "level": "Informational", "operationName": "Microsoft.ContainerService/managedClusters/stop/action",
        "operationId": GUID, "status": "Succeeded", "subStatus": "", "submissionTimestamp": "2026-11-23T20:10:00Z",
    }  # fmt: skip
    return payload({"monitoringService": "Activity Log - Administrative", "signalType": "Activity Log"}, context)


def _service_health(stage: str = "Active", *, numbers: bool = False) -> dict[str, Any]:
    context = {
        "authorization": None, "caller": None, "claims": None,
        "channels": 1 if numbers else "Admin", "eventSource": 2 if numbers else "ServiceHealth",
        "level": 3 if numbers else "Warning",
        "eventTimestamp": "2026-11-23T20:09:59+00:00", "eventDataId": GUID, "operationName": "x/incident/action",
        "properties": {
            "title": "Azure Kubernetes Service - West Europe", "service": "Azure Kubernetes Service",
            "region": "West Europe", "communication": "<p>text</p>", "incidentType": "Incident",
            "trackingId": "TN01", "impactStartTime": "2026-11-23T20:00:00Z", "stage": stage,
            "impactedServices": '[{"ImpactedRegions":[{"RegionName":"West Europe"}],"ServiceName":"AKS"}]',
        },
        "status": "Active",
    }  # fmt: skip
    return payload({"monitoringService": "ServiceHealth", "signalType": "Activity Log"}, context)


def _resource_health(current: str = "Unavailable", operation: str = "Activated") -> dict[str, Any]:
    context = {
        "channels": "Admin, Operation", "correlationId": GUID, "eventSource": "ResourceHealth",
        "eventTimestamp": "2026-11-23T20:09:59Z", "eventDataId": GUID, "level": "Critical",
        "operationName": f"Microsoft.Resourcehealth/healthevent/{operation}/action", "operationId": GUID,
        "properties": {
            "title": "Cannot be reached", "details": None, "currentHealthStatus": current,
            "previousHealthStatus": "Available", "type": "Downtime", "cause": "PlatformInitiated",
        },
        "status": "Active", "submissionTimestamp": "2026-11-23T20:10:00Z",
    }  # fmt: skip
    return payload({"monitoringService": "Resource Health", "signalType": "Activity Log"}, context)


def _availability() -> dict[str, Any]:
    first: dict[str, Any] = {
        "metricName": "Failed Location", "metricNamespace": None, "operator": "GreaterThan", "threshold": "2",
        "timeAggregation": "Sum", "dimensions": [], "metricValue": 5, "webTestName": "gateway-pro-primary",
    }  # fmt: skip
    condition = {"windowSize": "PT5M", "allOf": [first]}
    context = {"properties": None, "conditionType": "WebtestLocationAvailabilityCriteria", "condition": condition}
    return payload({}, context)


def _prometheus() -> dict[str, Any]:
    context = {
        "interval": "PT1M", "expression": "up == 0", "expressionValue": "0", "for": "PT2M",
        "labels": {"alertname": "GatewayDown", "cluster": "aks-gateway-pro"}, "annotations": {"summary": "down"},
        "ruleGroup": "gateways",
    }  # fmt: skip
    return payload({"monitoringService": "Prometheus", "severity": "Sev4"}, context)


def _cost() -> dict[str, Any]:
    essentials = {
        "monitoringService": "CostAlerts", "alertRule": None, "severity": None, "signalType": None,
        "monitorCondition": None, "alertTargetIDs": None, "configurationItems": ["budgets"], "originAlertId": None,
        "alertId": "/subscriptions/s/providers/Microsoft.CostManagement/alerts/Sample_Budget", "alertRuleId": ...,
    }  # fmt: skip
    context = {
        "AlertCategory": "budgets",
        "AlertData": {
            "Scope": "/subscriptions/s/", "ThresholdType": "Actual", "BudgetType": "Cost", "BudgetThreshold": "$50.00",
            "NotificationThresholdAmount": "$50.00", "BudgetName": "gateway-dr", "Unit": "USD", "SpentAmount": 57.02,
        },
    }  # fmt: skip
    return payload(essentials, context, None)


SAMPLES: dict[str, dict[str, Any]] = {
    "metric": payload(),
    "metric, dynamic threshold": payload(
        {}, {**METRIC_CONTEXT, "conditionType": "DynamicThresholdCriteria", "properties": {}}
    ),
    "metric, resolved": payload({"monitorCondition": "Resolved", "resolvedDateTime": "2026-11-23T20:20:00.1234567Z"}),
    "log": _log(),
    "activity_log": _activity_log(),
    "service_health": _service_health(),
    "service_health, numbers": _service_health(numbers=True),
    "service_health, resolved": _service_health("Resolved"),
    "resource_health": _resource_health(),
    "resource_health, available": _resource_health("Available", "Updated"),
    "resource_health, resolved": _resource_health("Unavailable", "Resolved"),
    "availability": _availability(),
    "prometheus": _prometheus(),
    "cost": _cost(),
}
