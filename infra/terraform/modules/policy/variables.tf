variable "environment" {
  description = "Environment of the gateways, NPR or PRO."
  type        = string
}

variable "primary_gateway_id" {
  description = "Id under which the primary gateway registers; the alert on its silence looks for it."
  type        = string
}

variable "control_plane_principal_id" {
  description = "Object id of the control plane's identity, the only one that may write locks."
  type        = string
}

variable "lock_storage_name" {
  description = "Name of the storage account with the locks."
  type        = string
}

variable "host_storage_name" {
  description = "Name of the storage account of the Functions host."
  type        = string
}

variable "identity_client_id" {
  description = "Client id of the control plane's identity."
  type        = string
}

variable "insights_connection_string" {
  description = "Connection string of Application Insights. No secret: local authentication is off."
  type        = string
}

variable "environments" {
  description = "Resource ids of the clusters by environment, as MVDR_ENVIRONMENTS has them."
  type        = map(object({ dr_cluster = string, primary_cluster = string }))
}

variable "database_url" {
  description = "libpq URL of the writer endpoint, without a password."
  type        = string

  validation {
    condition     = !can(regex("://[^/@]*:[^/@]*@|password=", var.database_url))
    error_message = "The database is reached with the managed identity; database_url must not carry a password."
  }
}

variable "database_pool_size" {
  description = "Connections that one instance of the app keeps at most."
  type        = number
}

variable "tables_endpoint" {
  description = "Table endpoint of the lock account."
  type        = string
}

variable "tenant_id" {
  description = "Entra tenant whose tokens are accepted."
  type        = string
}

variable "api_client_id" {
  description = "Client id of the API's registration, the audience of accepted tokens."
  type        = string
}

variable "public_url" {
  description = "Public base URL of the function app without /api."
  type        = string
}

variable "traces" {
  description = "Where traces of operations go (none, otlp or azure), and the endpoint for otlp."
  type        = object({ exporter = string, otlp_endpoint = string })
}

variable "notification_channels" {
  description = "Key Vault and secret that hold the receivers of notifications; null for none."
  type        = object({ vault_name = string, secret_name = string })
}

variable "schedules" {
  description = "NCRONTAB expressions of the six timers."
  type        = object({ health_monitor = string, task_timeout = string, mirror = string, preflight = string, drill = string, notification = string })
}

variable "protocol" {
  description = "Numbers of the protocol that differ from the product's defaults, by name."
  type        = map(number)

  validation {
    condition     = length(setsubtract(keys(var.protocol), local.protocol_names)) == 0
    error_message = "protocol has a name that docs/reference/settings.md does not list; without MVDR_, in lower case."
  }
}

variable "durable_backend" {
  description = "Where Durable Functions keeps its state: azure_storage or durable_task_scheduler."
  type        = string

  validation {
    condition     = contains(["azure_storage", "durable_task_scheduler"], var.durable_backend)
    error_message = "durable_backend must be azure_storage or durable_task_scheduler."
  }
}

variable "scheduler_connection" {
  description = "Connection string of the Durable Task Scheduler without any key; empty with the other backend."
  type        = string
}
