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

variable "notification_channels" {
  description = "Secret of an existing Key Vault with the receivers of notifications as docs/howto/notifications.md writes them; null notifies nobody."
  type        = object({ vault_id = string, secret_name = string })
  default     = null

  validation {
    condition     = var.notification_channels == null || can(regex("(?i)/providers/Microsoft\\.KeyVault/vaults/[a-z0-9-]+$", var.notification_channels.vault_id))
    error_message = "vault_id is the resource id of a Key Vault; the secret itself does not pass through Terraform."
  }
  validation {
    condition     = var.notification_channels == null || can(regex("^[A-Za-z0-9-]{1,127}$", var.notification_channels.secret_name))
    error_message = "secret_name is the name of a secret, not its value: letters, digits and hyphens."
  }
}

variable "vault_ids" {
  description = "Key Vaults whose secrets the gateways rotate, by a name of each; both gateways get both."
  type        = map(string)
  default     = {}
}
