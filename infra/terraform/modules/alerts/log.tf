# The rules' own identity, with no right but to read the workspace.
resource "azurerm_user_assigned_identity" "reader" {
  name                = var.names.alert_reader
  resource_group_name = var.resource_group.name
  location            = var.location
  tags                = var.tags
}

resource "azurerm_role_assignment" "reader" {
  scope                            = var.workspace_id
  role_definition_name             = "Log Analytics Reader"
  principal_id                     = azurerm_user_assigned_identity.reader.principal_id
  principal_type                   = "ServicePrincipal"
  skip_service_principal_aad_check = true
}

resource "azurerm_monitor_scheduled_query_rules_alert_v2" "this" {
  for_each = var.catalogue.log

  name                = "sqr-${var.names.base}-${replace(each.key, "_", "-")}"
  display_name        = "${var.environment}: ${each.key}"
  description         = each.value.description
  resource_group_name = var.resource_group.name
  location            = var.location
  tags                = var.tags

  scopes                  = [var.workspace_id]
  severity                = each.value.severity
  evaluation_frequency    = each.value.frequency
  window_duration         = each.value.window
  auto_mitigation_enabled = true
  # A new workspace has no table before the first row, and the query would be refused.
  skip_query_validation = true

  criteria {
    query                   = each.value.query
    time_aggregation_method = "Count"
    operator                = each.value.operator
    threshold               = each.value.threshold

    failing_periods {
      minimum_failing_periods_to_trigger_alert = 1
      number_of_evaluation_periods             = 1
    }
  }

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.reader.id]
  }

  action {
    action_groups     = local.groups[each.value.audience]
    custom_properties = local.properties[each.key]
  }

  depends_on = [azurerm_role_assignment.reader]
}
