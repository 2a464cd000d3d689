# Two groups and never one for both meanings: whoever silences people's mail must not cut the control plane off.
resource "azurerm_monitor_action_group" "control_plane" {
  name                = var.names.webhook_group
  short_name          = "mvdr-plane"
  resource_group_name = var.resource_group.name
  location            = "global"
  tags                = var.tags

  webhook_receiver {
    name                    = "control-plane"
    service_uri             = "https://${var.hostname}/api/v1/alerts/azure-monitor"
    use_common_alert_schema = true

    # The object id of the application, not of its enterprise application and not the client id.
    aad_auth {
      object_id      = var.webhook.object_id
      identifier_uri = var.webhook.identifier_uri
      tenant_id      = var.tenant_id
    }
  }
}

resource "azurerm_monitor_action_group" "people" {
  name                = var.names.people_group
  short_name          = "mvdr-people"
  resource_group_name = var.resource_group.name
  location            = "global"
  tags                = var.tags

  dynamic "email_receiver" {
    for_each = var.oncall_emails

    content {
      name                    = email_receiver.key
      email_address           = email_receiver.value
      use_common_alert_schema = true
    }
  }
}

locals {
  # People hear of everything; the control plane of what is evidence for it.
  groups = {
    control_plane = [azurerm_monitor_action_group.control_plane.id, azurerm_monitor_action_group.people.id]
    people        = [azurerm_monitor_action_group.people.id]
  }

  # The receiver goes by these, never by a rule's name or target (common alert schema, custom properties).
  rules = merge(
    var.catalogue.log, var.catalogue.metric, { availability = var.catalogue.availability },
    var.catalogue.resource_health, var.catalogue.service_health, var.catalogue.administrative,
  )
  properties = {
    for name, rule in local.rules : name => { environment = var.environment, intent = rule.intent, rule = name }
  }
}
