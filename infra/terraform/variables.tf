variable "subscription_id" {
  description = "Subscription of all three regions."
  type        = string

  validation {
    condition     = can(regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", var.subscription_id))
    error_message = "subscription_id must be a UUID in lower case."
  }
}

variable "tenant_id" {
  description = "Entra tenant of people, gateways and Azure Monitor."
  type        = string

  validation {
    condition     = can(regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", var.tenant_id))
    error_message = "tenant_id must be a UUID in lower case."
  }
}

variable "environment" {
  description = "Environment of the gateways, NPR or PRO (runbook section 4). Each has a control plane and a state of its own."
  type        = string

  validation {
    condition     = contains(["NPR", "PRO"], var.environment)
    error_message = "environment must be NPR or PRO."
  }
}

variable "regions" {
  description = "Where the gateways are (primary, dr) and where the control plane watches them from (witness)."
  type        = object({ primary = string, dr = string, witness = string })

  validation {
    condition     = length(distinct(values(var.regions))) == 3
    error_message = "primary, dr and witness must be three different regions: the control plane must survive the loss of either site."
  }
  validation {
    # "West Europe" and "westeurope" are one region and would pass for two.
    condition     = alltrue([for region in values(var.regions) : can(regex("^[a-z]+[a-z0-9]*$", region))])
    error_message = "Regions are written as Azure's short names, such as westeurope."
  }
}

variable "unique" {
  description = "3 to 6 letters and digits that make storage accounts, servers and the app unique in all of Azure."
  type        = string
}

variable "workload" {
  description = "Short name that is part of every resource name."
  type        = string
  default     = "gateway"
}

variable "tags" {
  description = "Further tags of every resource, such as a cost centre."
  type        = map(string)
  default     = {}
}

variable "durable_backend" {
  description = "Where Durable Functions keeps its state: azure_storage, or durable_task_scheduler."
  type        = string
  default     = "azure_storage"

  validation {
    condition     = contains(["azure_storage", "durable_task_scheduler"], var.durable_backend)
    error_message = "durable_backend must be azure_storage or durable_task_scheduler."
  }
}

variable "traces" {
  description = "Where traces of operations go: none, azure (this deployment's Application Insights), or otlp with the base URL of a collector."
  type        = object({ exporter = optional(string, "none"), otlp_endpoint = optional(string, "") })
  default     = {}

  validation {
    condition     = contains(["none", "otlp", "azure"], var.traces.exporter)
    error_message = "traces.exporter must be none, otlp or azure."
  }

  validation {
    condition     = (var.traces.exporter == "otlp") == startswith(var.traces.otlp_endpoint, "https://")
    error_message = "traces.otlp_endpoint is needed with otlp, only there, and begins with https://."
  }
}

variable "private_endpoints" {
  description = "Whether storage and PostgreSQL are reached through private endpoints only; if not, through service endpoints and one fixed address."
  type        = bool
  default     = true
}

variable "address_space" {
  description = "Address range of the control plane's network."
  type        = string
  default     = "10.60.0.0/22"
}

variable "delete_locks" {
  description = "Whether locks refuse every delete of storage accounts and servers. Off only to uninstall."
  type        = bool
  default     = true
}
