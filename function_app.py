"""The function app: binds the one app object and registers the blueprints."""

import azure.functions as func

from functions import (
    activities,
    admin_authority,
    admin_evidence,
    admin_failover,
    admin_gateways,
    admin_modes,
    admin_tasks,
    alerts,
    drills,
    explain,
    gateway_api,
    health_monitor,
    metrics,
    notifications,
    operation_reports,
    operations,
    orchestrations,
    preflight,
    probes,
    rotation,
    task_timeouts,
)

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

for _blueprint in (
    admin_failover.bp,
    admin_gateways.bp,
    admin_tasks.bp,
    admin_authority.bp,
    admin_modes.bp,
    rotation.bp,
    operations.bp,
    operation_reports.bp,
    admin_evidence.bp,
    metrics.bp,
    gateway_api.bp,
    drills.bp,
    preflight.bp,
    alerts.bp,
    notifications.bp,
    explain.bp,
    probes.bp,
    health_monitor.bp,
    task_timeouts.bp,
    orchestrations.bp,
    activities.bp,
):
    app.register_functions(_blueprint)
