variable "workspace_name" {
  description = "Name of the Log Analytics workspace."
  type        = string
}

variable "insights_name" {
  description = "Name of the Application Insights component."
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

variable "retention_days" {
  description = "How long logs are kept, in days."
  type        = number

  validation {
    condition     = var.retention_days >= 30 && var.retention_days <= 730
    error_message = "retention_days must be 30 to 730."
  }
}

variable "daily_quota_gb" {
  description = "Most data the workspace takes in per day, in GB; beyond it the log alerts are blind until midnight."
  type        = number
}

variable "publisher_principal_ids" {
  description = "Identities that may send telemetry, by a name that is fixed before the apply."
  type        = map(string)
}
