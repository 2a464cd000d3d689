mock_resource "azuread_application" {
  defaults = {
    id        = "/applications/00000000-0000-4000-8000-0000000000e1"
    object_id = "00000000-0000-4000-8000-0000000000e1"
    client_id = "00000000-0000-4000-8000-0000000000e2"
  }
}

mock_resource "azuread_service_principal" {
  defaults = {
    object_id = "00000000-0000-4000-8000-0000000000e3"
  }
}

mock_data "azuread_client_config" {
  defaults = {
    object_id = "00000000-0000-4000-8000-0000000000e4"
  }
}
