# A lock and not lifecycle's own guard: it also stops a delete that does not come from Terraform.
resource "azurerm_management_lock" "this" {
  for_each = var.delete_lock ? toset(["host", "lock"]) : []

  name       = "do-not-delete"
  scope      = { host = azurerm_storage_account.host.id, lock = azurerm_storage_account.lock.id }[each.key]
  lock_level = "CanNotDelete"
  notes      = "Task hub, locks and fencing tokens. Removing them is docs/howto/authority-restore.md in production."
}
