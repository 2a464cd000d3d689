# People only: a budget's alert has neither severity nor rule nor target, and no place near a failover.
resource "azurerm_consumption_budget_resource_group" "this" {
  name              = var.names.budget
  resource_group_id = var.resource_group.id
  amount            = var.budget.amount
  time_grain        = "Monthly"

  time_period {
    start_date = var.budget.start
  }

  notification {
    enabled        = true
    threshold      = 80
    threshold_type = "Forecasted"
    operator       = "GreaterThan"
    contact_groups = [azurerm_monitor_action_group.people.id]
  }

  lifecycle {
    # Azure refuses a start that has passed; it counts at creation only.
    ignore_changes = [time_period]
  }
}
