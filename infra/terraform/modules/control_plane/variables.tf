variable "names" {
  description = "Names of the control plane's resources."
  type = object({
    function_app = string
    plan         = string
    identity     = string
    deployer     = string
    host_storage = string
    lock_storage = string
    scheduler    = string
  })
}

variable "resource_group" {
  description = "Resource group in the witness region."
  type        = object({ name = string, id = string })
}

variable "location" {
  description = "The witness region."
  type        = string
}

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
}

variable "app_settings" {
  description = "All app settings by name."
  type        = map(string)

  validation {
    condition     = !contains(keys(var.app_settings), "AzureWebJobsStorage")
    error_message = "Host storage is reached with the identity; AzureWebJobsStorage must not be set, not even to nothing."
  }
}

variable "host_storage_roles" {
  description = "Built-in roles of the control plane on the host storage account."
  type        = map(string)
}

variable "lock_storage_roles" {
  description = "Built-in roles of the control plane on the storage account with the locks."
  type        = map(string)
}

variable "tables" {
  description = "Tables of the product in the storage account with the locks."
  type        = set(string)
}

variable "function" {
  description = "Size of the function app; Flex Consumption knows 512, 2048 and 4096 MB."
  type = object({
    python_version    = string
    memory_mb         = number
    maximum_instances = number
    always_ready      = map(number)
    zone_redundant    = bool
  })

  validation {
    condition     = contains([512, 2048, 4096], var.function.memory_mb)
    error_message = "memory_mb must be 512, 2048 or 4096."
  }
  validation {
    # A single always-ready instance is drained every 30 to 60 minutes, and webhooks that arrive then are lost.
    condition     = try(var.function.always_ready["http"], 0) >= 2
    error_message = "always_ready must keep two http instances."
  }
  validation {
    condition     = sum(values(var.function.always_ready)) <= var.function.maximum_instances
    error_message = "always_ready must not add up to more than maximum_instances."
  }
  validation {
    condition     = contains(["3.11", "3.12"], var.function.python_version)
    error_message = "The product runs on Python 3.11 and 3.12."
  }
}

variable "private" {
  description = "Whether the stores are reached through private endpoints only."
  type        = bool
}

variable "subnet_id" {
  description = "Subnet of the function app."
  type        = string
}

variable "egress_addresses" {
  description = "Public addresses the app calls from; the Durable Task Scheduler admits these, or everybody with a token if there are none."
  type        = list(string)
}

variable "start_after" {
  description = "Ids of what must stand before the app starts: network path, rights on clusters and telemetry."
  type        = list(string)
}

variable "durable_backend" {
  description = "Where Durable Functions keeps its state: azure_storage or durable_task_scheduler."
  type        = string
}

variable "task_hub" {
  description = "Name of the Durable task hub, as host.json has it."
  type        = string
}

variable "deployer" {
  description = "Who may deploy, as a federated subject of the pipeline's token issuer; null creates no identity for it."
  type        = object({ issuer = string, subject = string })
}

variable "workspace_id" {
  description = "Log Analytics workspace of the logs."
  type        = string
}

variable "delete_lock" {
  description = "Whether locks refuse every delete of the two storage accounts."
  type        = bool
}
