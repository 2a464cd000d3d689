locals {
  tags = merge(var.tags, { workload = "mazevault-gateway-dr", environment = var.environment, managed_by = "terraform" })

  task_hub = "gatewaydr" # hubName of host.json

  # The tables of shared/adapters/tables.py.
  tables = [
    "alerts",
    "auditentries",
    "automaticfailovers",
    "drills",
    "environmentlocks",
    "events",
    "gateways",
    "monitorsight",
    "notificationcursors",
    "notificationdeliveries",
    "operations",
    "preflights",
  ]

  gateway_ids = var.gateway_ids != null ? var.gateway_ids : {
    primary = module.naming.sites["primary"].gateway_id
    dr      = module.naming.sites["dr"].gateway_id
  }
  gateway_roles = { primary = "primary", dr = "dr-standby" }

  # The app's host name is fixed by its name: it stands in the app's own settings, which cannot wait for the app.
  public_url = "https://${module.naming.control_plane.function_app}.azurewebsites.net"

  registration = var.existing_registration != null ? var.existing_registration : module.identity_api["api"].registration

  # psycopg's own libpq looks for certificates where the image has none, so the file is named.
  database_url = join("", [
    "postgresql://", module.control_plane.identity.name, "@", module.database.writer_host, ":5432/",
    module.database.database_name, "?sslmode=", var.database.sslmode,
    "&sslrootcert=/etc/ssl/certs/ca-certificates.crt",
  ])

  scheduler_connection = var.durable_backend == "azure_storage" ? "" : join(";", [
    "Endpoint=${module.control_plane.scheduler_endpoint}", "TaskHub=${local.task_hub}",
    "Authentication=ManagedIdentity", "ClientID=${module.control_plane.identity.client_id}",
  ])
}
