# Durable Task Scheduler, when it is chosen. azurerm has no resource for it.
locals {
  scheduler = var.durable_backend == "durable_task_scheduler" ? toset(["scheduler"]) : toset([])
}

resource "azapi_resource" "scheduler" {
  for_each = local.scheduler

  type      = "Microsoft.DurableTask/schedulers@2026-02-01"
  name      = var.names.scheduler
  parent_id = var.resource_group.id
  location  = var.location
  tags      = var.tags

  body = {
    properties = {
      # An empty list admits nobody. With private endpoints the app has no fixed address, so the token alone decides.
      ipAllowlist         = length(var.egress_addresses) > 0 ? var.egress_addresses : ["0.0.0.0/0"]
      publicNetworkAccess = "Enabled"
      sku                 = { name = "Consumption" }
    }
  }

  # The endpoint carries a hash, so it is read and not built.
  response_export_values = ["properties.endpoint"]
}

resource "azapi_resource" "task_hub" {
  for_each = local.scheduler

  type      = "Microsoft.DurableTask/schedulers/taskHubs@2026-02-01"
  name      = var.task_hub
  parent_id = azapi_resource.scheduler[each.key].id
  body      = { properties = {} }
}

resource "azurerm_role_assignment" "scheduler" {
  for_each = local.scheduler

  scope                            = azapi_resource.scheduler[each.key].id
  role_definition_name             = "Durable Task Data Contributor"
  principal_id                     = azurerm_user_assigned_identity.this.principal_id
  principal_type                   = "ServicePrincipal"
  skip_service_principal_aad_check = true
}
