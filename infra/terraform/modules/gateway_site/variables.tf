variable "names" {
  description = "Names of this site's resources."
  type = object({
    cluster          = string
    cluster_identity = string
    gateway_identity = string
    role             = string
  })
}

variable "resource_group" {
  description = "The site's resource group."
  type        = object({ name = string, id = string })
}

variable "location" {
  description = "The site's region."
  type        = string
}

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
}

variable "tenant_id" {
  description = "Entra tenant of the cluster's users."
  type        = string
}

variable "cold_standby" {
  description = "Whether the control plane starts and stops this cluster. No automatic upgrade is then asked of it."
  type        = bool
}

variable "admin_group_object_id" {
  description = "Entra group whose members administer the cluster."
  type        = string
}

variable "kubernetes" {
  description = "Size of the cluster and where the gateway lives in it. The machine needs 64 GB of local disk for its system."
  type = object({
    version              = optional(string)
    vm_size              = string
    min_nodes            = number
    max_nodes            = number
    zones                = list(string)
    namespace            = string
    service_account      = string
    authorized_ip_ranges = list(string)
  })

  validation {
    condition     = var.kubernetes.min_nodes >= 1 && var.kubernetes.max_nodes >= var.kubernetes.min_nodes
    error_message = "min_nodes must be at least 1 and max_nodes not below it."
  }
}

variable "control_plane_principal_id" {
  description = "Object id of the control plane's identity."
  type        = string
}

variable "control_plane_actions" {
  description = "What the control plane may do with this cluster, as resource provider operations."
  type        = list(string)
}

variable "workspace_id" {
  description = "Log Analytics workspace of the cluster's audit log."
  type        = string
}
