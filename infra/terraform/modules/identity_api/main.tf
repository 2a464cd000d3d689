data "azuread_client_config" "current" {}

locals {
  # Azure Monitor's action groups sign in to a secure webhook as this first-party application, the same in every tenant
  # ("Action groups", secure webhook).
  azure_monitor_client_id = "461e8683-5575-4561-ac7f-899cc907d62a"
}

resource "azuread_application" "api" {
  display_name            = var.display_name
  sign_in_audience        = "AzureADMyOrg"
  prevent_duplicate_names = true
  # An action group can be pointed at this application only by one of its owners.
  owners = [data.azuread_client_config.current.object_id]

  api {
    requested_access_token_version = 2
  }

  dynamic "app_role" {
    for_each = var.app_roles

    content {
      id                   = app_role.value.id
      value                = app_role.key
      display_name         = app_role.value.display_name
      description          = app_role.value.description
      allowed_member_types = app_role.value.members
      enabled              = true
    }
  }

  lifecycle {
    # The URI holds the client id, so it is set after the application exists.
    ignore_changes = [identifier_uris]
  }
}

resource "azuread_application_identifier_uri" "api" {
  application_id = azuread_application.api.id
  identifier_uri = "api://${azuread_application.api.client_id}"
}

# Without an assigned role nobody gets a token at all.
resource "azuread_service_principal" "api" {
  client_id                    = azuread_application.api.client_id
  app_role_assignment_required = true
  owners                       = [data.azuread_client_config.current.object_id]
}

resource "azuread_app_role_assignment" "this" {
  for_each = var.assignments

  app_role_id         = var.app_roles[each.value.role].id
  principal_object_id = each.value.principal_object_id
  resource_object_id  = azuread_service_principal.api.object_id
}
