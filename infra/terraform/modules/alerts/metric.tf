resource "azurerm_monitor_metric_alert" "this" {
  for_each = var.catalogue.metric

  name                = "ma-${var.names.base}-${replace(each.key, "_", "-")}"
  description         = each.value.description
  resource_group_name = var.resource_group.name
  tags                = var.tags
  scopes              = [var.targets[each.value.target]]
  severity            = each.value.severity
  frequency           = "PT1M"
  window_size         = "PT5M"

  criteria {
    metric_namespace = each.value.namespace
    metric_name      = each.value.metric
    aggregation      = each.value.aggregation
    operator         = each.value.operator
    threshold        = each.value.threshold

    dynamic "dimension" {
      for_each = each.value.dimensions

      content {
        name     = dimension.key
        operator = "Include"
        values   = [dimension.value]
      }
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
