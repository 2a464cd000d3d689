variable "name" {
  description = "Name of the virtual network."
  type        = string
}

variable "resource_group_name" {
  description = "Resource group in the witness region."
  type        = string
}

variable "location" {
  description = "The witness region."
  type        = string
}

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
}

variable "address_space" {
  description = "Address range of the network; a /22 gives both subnets a /24."
  type        = string

  validation {
    condition     = can(cidrsubnet(var.address_space, 2, 1))
    error_message = "address_space must be an IPv4 range such as 10.60.0.0/22."
  }
}

variable "private_endpoints" {
  description = "Whether stores are reached through private endpoints; if not, through service endpoints and one fixed address."
  type        = bool
}

variable "targets" {
  description = "What gets a private endpoint, by a name that is fixed before the apply."
  type        = map(object({ resource_id = string, subresource = string, zone = string }))
}
