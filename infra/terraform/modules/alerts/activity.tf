resource "azurerm_monitor_activity_log_alert" "resource_health" {
  for_each = var.catalogue.resource_health

  name                = "ala-${var.names.base}-${replace(each.key, "_", "-")}"
  description         = each.value.description
  resource_group_name = var.resource_group.name
  location            = "global"
  tags                = var.tags
  scopes              = [var.targets[each.value.target]]

  criteria {
    category = "ResourceHealth"

    resource_health {
      current  = each.value.current
      previous = each.value.previous
      reason   = each.value.reason
    }
  }

  dynamic "action" {
    for_each = local.groups[each.value.audience]

    content {
      action_group_id    = action.value
      webhook_properties = local.properties[each.key]
    }
  }
}

resource "azurerm_monitor_activity_log_alert" "service_health" {
  for_each = var.catalogue.service_health

  name                = "ala-${var.names.base}-${replace(each.key, "_", "-")}"
  description         = each.value.description
  resource_group_name = var.resource_group.name
  location            = "global"
  tags                = var.tags
  scopes              = ["/subscriptions/${var.subscription_id}"]

  criteria {
    category = "ServiceHealth"

    service_health {
      events    = each.value.events
      locations = var.regions
    }
  }

  dynamic "action" {
    for_each = local.groups[each.value.audience]

    content {
      action_group_id    = action.value
      webhook_properties = local.properties[each.key]
    }
  }
}

resource "azurerm_monitor_activity_log_alert" "administrative" {
  for_each = var.catalogue.administrative

  name                = "ala-${var.names.base}-${replace(each.key, "_", "-")}"
  description         = each.value.description
  resource_group_name = var.resource_group.name
  location            = "global"
  tags                = var.tags
  scopes              = [var.targets[each.value.target]]

  criteria {
    category       = "Administrative"
    operation_name = each.value.operation
  }

  dynamic "action" {
    for_each = local.groups[each.value.audience]

    content {
      action_group_id    = action.value
      webhook_properties = local.properties[each.key]
    }
  }
}
