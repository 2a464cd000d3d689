variable "function" {
  description = "Size of the function app."
  type = object({
    python_version    = optional(string, "3.12")
    memory_mb         = optional(number, 2048)
    maximum_instances = optional(number, 40)
    always_ready      = optional(map(number), { http = 2, durable = 1 })
    zone_redundant    = optional(bool, false)
  })
  default = {}

  validation {
    # A single always-ready instance is drained every 30 to 60 minutes, and webhooks that arrive then are lost.
    condition     = try(var.function.always_ready["http"], 0) >= 2
    error_message = "always_ready must keep two http instances."
  }
}

variable "kubernetes" {
  description = "Size of the two clusters, and where the gateway lives in them. The machine needs 64 GB of local disk."
  type = object({
    version              = optional(string)
    vm_size              = optional(string, "Standard_D2ds_v5")
    min_nodes            = optional(number, 2)
    max_nodes            = optional(number, 4)
    zones                = optional(list(string), ["1", "2", "3"])
    namespace            = optional(string, "mazevault")
    service_account      = optional(string, "mazevault-gateway")
    authorized_ip_ranges = optional(list(string), [])
  })
  default = {}
}

variable "gateway_ids" {
  description = "Ids under which the gateways register; null for gw-npr-primary and the like."
  type        = object({ primary = string, dr = string })
  default     = null
}

variable "database" {
  description = "Version and size of both PostgreSQL servers, and how the app connects."
  type = object({
    version                      = optional(string, "17")
    sku_name                     = optional(string, "GP_Standard_D2ds_v5")
    storage_mb                   = optional(number, 32768)
    zone_redundant               = optional(bool, true)
    backup_retention_days        = optional(number, 14)
    geo_redundant_backup_enabled = optional(bool, true)
    pool_size                    = optional(number, 8)
    sslmode                      = optional(string, "verify-full")
  })
  default = {}

  validation {
    condition     = contains(["verify-full", "verify-ca"], var.database.sslmode)
    error_message = "sslmode must be verify-full, or verify-ca; less would take any server's word."
  }
  validation {
    condition     = var.database.pool_size >= 2 && var.database.pool_size <= 64
    error_message = "pool_size must be 2 to 64 (docs/reference/settings.md)."
  }
}

variable "schedules" {
  description = "NCRONTAB expressions of the six timers, staggered: timers that fire together each get an instance. A drill starts the DR cluster."
  type = object({
    health_monitor = optional(string, "*/15 * * * * *")
    task_timeout   = optional(string, "5/15 * * * * *")
    mirror         = optional(string, "10/15 * * * * *")
    preflight      = optional(string, "30 */15 * * * *")
    drill          = optional(string, "0 0 10 15 1,4,7,10 *")
    notification   = optional(string, "12/30 * * * * *")
  })
  default = {}

  validation {
    condition     = alltrue([for expression in values(var.schedules) : length(split(" ", expression)) == 6])
    error_message = "A schedule has six fields, the first one seconds."
  }
}

variable "protocol" {
  description = "Numbers of the protocol that differ from the defaults of docs/reference/settings.md, by name without MVDR_."
  type        = map(number)
  default     = {}
}

variable "logs" {
  description = "Retention of logs in days and the most a day may bring, in GB."
  type = object({
    retention_days = optional(number, 90)
    daily_quota_gb = optional(number, 1)
  })
  default = {}
}

variable "budget" {
  description = "Monthly budget of the witness resource group in the subscription's currency, and the first day of its first month."
  type        = object({ amount = number, start = string })

  validation {
    condition     = can(regex("^[0-9]{4}-[0-9]{2}-01T00:00:00Z$", var.budget.start))
    error_message = "The budget starts on the first of a month, such as 2027-01-01T00:00:00Z."
  }
}
