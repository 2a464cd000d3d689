# App settings of the function app: the three of host storage by identity, telemetry, and the product's own (MVDR_).
locals {
  # With the account name alone the apply is green and the host does not start; an AzureWebJobsStorage without suffix,
  # even an empty one, would be read as a connection string.
  host_settings = {
    AzureWebJobsStorage__accountName = var.host_storage_name
    AzureWebJobsStorage__credential  = "managedidentity"
    AzureWebJobsStorage__clientId    = var.identity_client_id

    APPLICATIONINSIGHTS_CONNECTION_STRING     = var.insights_connection_string
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING = "ClientId=${var.identity_client_id};Authorization=AAD"
    AZURE_CLIENT_ID                           = var.identity_client_id
  }

  product_settings = {
    MVDR_ENVIRONMENTS       = jsonencode(var.environments)
    MVDR_DATABASE_URL       = var.database_url
    MVDR_DATABASE_POOL_SIZE = tostring(var.database_pool_size)
    MVDR_TABLES_ENDPOINT    = var.tables_endpoint
    MVDR_ARM_URL            = "https://management.azure.com"
    MVDR_IDENTITY_CLIENT_ID = var.identity_client_id
    MVDR_AUTH_ISSUER        = "https://login.microsoftonline.com/${var.tenant_id}/v2.0"
    MVDR_AUTH_AUDIENCE      = var.api_client_id
    MVDR_AUTH_TENANT_ID     = var.tenant_id
    MVDR_AUTH_JWKS_URL      = "https://login.microsoftonline.com/${var.tenant_id}/discovery/v2.0/keys"
    # Azure Monitor's action groups, the same application in every tenant (modules/identity_api gives it its role).
    MVDR_AUTH_ALERT_CLIENT_ID    = "461e8683-5575-4561-ac7f-899cc907d62a"
    MVDR_PUBLIC_URL              = var.public_url
    MVDR_TRACE_EXPORTER          = var.traces.exporter
    MVDR_NOTIFICATION_CHANNELS   = local.notification_reference
    MVDR_HEALTH_MONITOR_SCHEDULE = var.schedules.health_monitor
    MVDR_TASK_TIMEOUT_SCHEDULE   = var.schedules.task_timeout
    MVDR_MIRROR_SCHEDULE         = var.schedules.mirror
    MVDR_PREFLIGHT_SCHEDULE      = var.schedules.preflight
    MVDR_DRILL_SCHEDULE          = var.schedules.drill
    MVDR_NOTIFICATION_SCHEDULE   = var.schedules.notification
  }

  # Addresses of receivers are secrets. The platform resolves the reference; an empty setting counts as absent.
  notification_reference = (var.notification_channels == null ? "" :
  "@Microsoft.KeyVault(VaultName=${var.notification_channels.vault_name};SecretName=${var.notification_channels.secret_name})")

  protocol_settings = { for name, value in var.protocol : "MVDR_${upper(name)}" => tostring(value) }

  trace_settings = var.traces.exporter == "otlp" ? { OTEL_EXPORTER_OTLP_ENDPOINT = var.traces.otlp_endpoint } : {}

  # host.json names Azure Storage; these replace its storage provider at start (host.json reference, "Override host.json
  # values"). The provider's own options of host.json mean nothing to the scheduler.
  durable_settings = {
    azure_storage = {}
    durable_task_scheduler = {
      DURABLE_TASK_SCHEDULER_CONNECTION_STRING                                              = var.scheduler_connection
      AzureFunctionsJobHost__extensions__durableTask__storageProvider__type                 = "durabletask-scheduler"
      AzureFunctionsJobHost__extensions__durableTask__storageProvider__connectionStringName = "DURABLE_TASK_SCHEDULER_CONNECTION_STRING"
    }
  }

  app_settings = merge(
    local.host_settings,
    local.product_settings,
    local.protocol_settings,
    local.trace_settings,
    local.durable_settings[var.durable_backend],
  )
}
