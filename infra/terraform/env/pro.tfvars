# Example values of the production environment; replace the ids.
subscription_id = "00000000-0000-4000-8000-000000000012"
tenant_id       = "00000000-0000-4000-8000-000000000001"

environment = "PRO"
unique      = "mv01"
regions     = { primary = "westeurope", dr = "northeurope", witness = "swedencentral" }
tags        = { criticality = "high" }

admins_group_object_id    = "00000000-0000-4000-8000-0000000000b1"
operators_group_object_id = "00000000-0000-4000-8000-0000000000b2"
readers_group_object_id   = "00000000-0000-4000-8000-0000000000b3"
database_admin_group      = { object_id = "00000000-0000-4000-8000-0000000000b4", name = "grp-gateway-pro-database" }
oncall_emails             = { platform = "platform-oncall@example.com", security = "security-oncall@example.com" }

function          = { zone_redundant = true }
private_endpoints = true

budget = { amount = 400, start = "2027-01-01T00:00:00Z" }
