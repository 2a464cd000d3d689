# Example values of the non-production environment; replace the ids.
subscription_id = "00000000-0000-4000-8000-000000000011"
tenant_id       = "00000000-0000-4000-8000-000000000001"

environment = "NPR"
unique      = "mv01"
regions     = { primary = "westeurope", dr = "northeurope", witness = "swedencentral" }

admins_group_object_id    = "00000000-0000-4000-8000-0000000000a1"
operators_group_object_id = "00000000-0000-4000-8000-0000000000a2"
database_admin_group      = { object_id = "00000000-0000-4000-8000-0000000000a3", name = "grp-gateway-npr-database" }
oncall_emails             = { platform = "platform-oncall@example.com" }

# One zone and no geo-backup: a drill environment may be rebuilt.
database = {
  zone_redundant               = false
  backup_retention_days        = 7
  geo_redundant_backup_enabled = false
}
function          = { memory_mb = 512 }
kubernetes        = { min_nodes = 1, max_nodes = 2 }
private_endpoints = false

budget = { amount = 150, start = "2027-01-01T00:00:00Z" }
