variable "display_name" {
  description = "Display name of the registration, the same for ever: a second registration of this name is refused."
  type        = string
}

variable "app_roles" {
  description = "Application roles by value, each with its fixed id."
  type        = map(object({ id = string, display_name = string, description = string, members = list(string) }))
}

variable "assignments" {
  description = "Who has which role: the role's value and the object id of a group or identity, by a fixed name."
  type        = map(object({ role = string, principal_object_id = string }))
}
