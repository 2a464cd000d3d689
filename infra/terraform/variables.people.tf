variable "admins_group_object_id" {
  description = "Entra group that may fail over (gateway:admin) and administers the clusters."
  type        = string
}

variable "operators_group_object_id" {
  description = "Entra group that may run rotations and settle tasks (gateway:operate)."
  type        = string
}

variable "readers_group_object_id" {
  description = "Entra group that may look (gateway:read); null for none."
  type        = string
  default     = null
}

variable "database_admin_group" {
  description = "Entra group that administers PostgreSQL; its members create the roles of the managed identities."
  type        = object({ object_id = string, name = string })
}

variable "oncall_emails" {
  description = "Mail addresses that alerts and the budget go to, by a name of each."
  type        = map(string)

  validation {
    condition     = length(var.oncall_emails) > 0 && alltrue([for mail in values(var.oncall_emails) : can(regex("^[^@ ]+@[^@ ]+$", mail))])
    error_message = "oncall_emails needs at least one mail address."
  }
}

variable "existing_registration" {
  description = "An API registration that somebody else made, with the roles of modules/policy/roles.tf; null to make it here."
  type        = object({ client_id = string, object_id = string, identifier_uri = string })
  default     = null
}

variable "deployer" {
  description = "The pipeline that deploys code, as issuer and subject of its token; null for none."
  type        = object({ issuer = string, subject = string })
  default     = null
}

variable "vault_ids" {
  description = "Key Vaults whose secrets the gateways rotate, by a name of each; both gateways get both."
  type        = map(string)
  default     = {}
}
