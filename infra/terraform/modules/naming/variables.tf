variable "workload" {
  description = "Short name of the workload, part of every resource name."
  type        = string

  validation {
    # Seven letters are what the name of a storage account (24 at most) leaves room for.
    condition     = can(regex("^[a-z][a-z0-9]{1,6}$", var.workload))
    error_message = "workload must be 2 to 7 lower-case letters or digits and begin with a letter."
  }
}

variable "environment" {
  description = "Environment of the gateways, NPR or PRO (runbook section 4)."
  type        = string

  validation {
    condition     = contains(["NPR", "PRO"], var.environment)
    error_message = "environment must be NPR or PRO."
  }
}

variable "unique" {
  description = "Letters and digits that make the names unique which all customers of Azure share."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9]{3,6}$", var.unique))
    error_message = "unique must be 3 to 6 lower-case letters or digits."
  }
}
