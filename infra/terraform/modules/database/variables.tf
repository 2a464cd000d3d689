variable "names" {
  description = "Names of the two servers and of the virtual endpoint."
  type        = object({ primary = string, dr = string, virtual_endpoint = string })
}

variable "resource_groups" {
  description = "Names of the resource groups of the two sites."
  type        = object({ primary = string, dr = string })
}

variable "locations" {
  description = "Regions of the two sites."
  type        = object({ primary = string, dr = string })
}

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
}

variable "tenant_id" {
  description = "Entra tenant of the database's users."
  type        = string
}

variable "admin_group" {
  description = "Entra group that administers the database; its members create the roles of the managed identities."
  type        = object({ object_id = string, name = string })
}

variable "server" {
  description = "Version and size, the same for both servers: only equals can be promoted."
  type = object({
    version                      = string
    sku_name                     = string
    storage_mb                   = number
    zone_redundant               = bool
    backup_retention_days        = number
    geo_redundant_backup_enabled = bool
  })

  validation {
    condition     = !startswith(var.server.sku_name, "B_")
    error_message = "A burstable server cannot have a replica; choose GP_ or MO_."
  }
  validation {
    condition     = tonumber(var.server.version) >= 14
    error_message = "PostgreSQL 14 or later: earlier ones are in paid extended support."
  }
  validation {
    condition     = var.server.backup_retention_days >= 7 && var.server.backup_retention_days <= 35
    error_message = "backup_retention_days must be 7 to 35."
  }
}

variable "admitted_addresses" {
  description = "Public addresses the servers admit; with none they have no public endpoint."
  type        = map(string)
}

variable "private" {
  description = "Whether the servers are reached through private endpoints only."
  type        = bool
}

variable "workspace_id" {
  description = "Log Analytics workspace of the servers' logs."
  type        = string
}

variable "delete_lock" {
  description = "Whether a lock refuses every delete of the servers."
  type        = bool
}
