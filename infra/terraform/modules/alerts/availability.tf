# Runs outside the witness region, so it also notices the loss of that whole region.
resource "azurerm_application_insights_standard_web_test" "live" {
  name                    = "wt-${var.names.base}-live"
  resource_group_name     = var.resource_group.name
  location                = var.location
  application_insights_id = var.insights_id
  geo_locations           = ["emea-nl-ams-azr", "emea-gb-db3-azr", "emea-fr-pra-edge", "emea-se-sto-edge", "us-va-ash-azr"]
  frequency               = 300
  timeout                 = 30
  enabled                 = true
  retry_enabled           = true
  tags                    = var.tags

  request {
    url = "https://${var.hostname}/api/health/live"
  }

  validation_rules {
    expected_status_code        = 200
    ssl_check_enabled           = true
    ssl_cert_remaining_lifetime = 14
  }
}

resource "azurerm_monitor_metric_alert" "availability" {
  name                = "ma-${var.names.base}-availability"
  description         = var.catalogue.availability.description
  resource_group_name = var.resource_group.name
  tags                = var.tags
  scopes              = [azurerm_application_insights_standard_web_test.live.id, var.insights_id]
  severity            = var.catalogue.availability.severity
  frequency           = "PT1M"
  window_size         = "PT5M"

  application_insights_web_test_location_availability_criteria {
    web_test_id           = azurerm_application_insights_standard_web_test.live.id
    component_id          = var.insights_id
    failed_location_count = 3
  }

  dynamic "action" {
    for_each = local.groups[var.catalogue.availability.audience]

    content {
      action_group_id    = action.value
      webhook_properties = local.properties["availability"]
    }
  }
}
