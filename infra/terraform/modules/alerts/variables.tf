variable "environment" {
  description = "Environment that every alert names, NPR or PRO."
  type        = string
}

variable "names" {
  description = "Names of the action groups, the reader identity and the budget."
  type        = object({ base = string, webhook_group = string, people_group = string, alert_reader = string, budget = string })
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

variable "catalogue" {
  description = "The alert catalogue of modules/policy."
  type = object({
    log = map(object({
      description = string, intent = string, audience = string, severity = number
      query       = string, operator = string, threshold = number, frequency = string, window = string
    }))
    metric = map(object({
      description = string, intent = string, audience = string, severity = number
      target      = string, namespace = string, metric = string
      aggregation = string, operator = string, threshold = number, dimensions = map(string)
    }))
    availability = object({ description = string, intent = string, audience = string, severity = number })
    resource_health = map(object({
      description = string, intent = string, audience = string, target = string
      current     = list(string), previous = list(string), reason = list(string)
    }))
    service_health = map(object({ description = string, intent = string, audience = string, events = list(string) }))
    administrative = map(object({ description = string, intent = string, audience = string, target = string, operation = string }))
  })
}

variable "targets" {
  description = "Resource ids by the names the catalogue calls them."
  type        = map(string)
}

variable "workspace_id" {
  description = "Log Analytics workspace that the log rules read."
  type        = string
}

variable "insights_id" {
  description = "Application Insights component of the availability test."
  type        = string
}

variable "subscription_id" {
  description = "Subscription whose service health is watched."
  type        = string
}

variable "regions" {
  description = "Regions whose service health is watched, by display name, and Global."
  type        = list(string)
}

variable "hostname" {
  description = "Host name of the function app."
  type        = string
}

variable "webhook" {
  description = "Registration whose tokens the webhook takes: object id of the application and its identifier URI."
  type        = object({ object_id = string, identifier_uri = string })
}

variable "tenant_id" {
  description = "Entra tenant of the registration."
  type        = string
}

variable "oncall_emails" {
  description = "Mail addresses that are told, by a name of each."
  type        = map(string)

  validation {
    condition     = length(var.oncall_emails) > 0
    error_message = "Somebody must be told: oncall_emails is empty."
  }
}

variable "budget" {
  description = "Monthly budget of the witness resource group and the first day of its first month."
  type        = object({ amount = number, start = string })
}
