mock_provider "azurerm" {
  source = "./tests/mocks/azurerm"
}

mock_provider "azapi" {
  source = "./tests/mocks/azapi"
}

mock_provider "azuread" {
  source = "./tests/mocks/azuread"
}

# The values of env/pro.tfvars; a Python test holds the two together.
variables {
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
}

run "the_settings_are_the_products" {
  command = apply

  assert {
    condition     = module.policy.app_settings["AzureWebJobsStorage__accountName"] == "stgatewayprohostmv01"
    error_message = "The host's account is named, and no key of it."
  }
  assert {
    condition     = jsondecode(module.policy.app_settings["MVDR_ENVIRONMENTS"]) == { PRO = { dr_cluster = module.gateway_site["dr"].cluster_id, primary_cluster = module.gateway_site["primary"].cluster_id } }
    error_message = "The environment names both clusters."
  }
  assert {
    condition     = module.policy.app_settings["MVDR_DATABASE_URL"] == "postgresql://id-gateway-pro-control-plane@psql-gateway-pro-mv01.writer.postgres.database.azure.com:5432/gatewaydr?sslmode=verify-full&sslrootcert=/etc/ssl/certs/ca-certificates.crt"
    error_message = "The app follows the writer, as its identity, and checks the server's certificate."
  }
  assert {
    condition     = module.policy.app_settings["MVDR_AUTH_AUDIENCE"] == output.api.client_id
    error_message = "Version 2 tokens name the client id as their audience."
  }
  assert {
    condition     = module.policy.app_settings["MVDR_PUBLIC_URL"] == "https://func-gateway-pro-mv01.azurewebsites.net"
    error_message = "The canary looks at the app's public name."
  }
}

run "the_gateways_get_the_variables_of_the_runbook" {
  command = apply

  assert {
    condition = output.gateway_environment_variables["primary"] == {
      MAZEVAULT_GATEWAY_ENVIRONMENT    = "PRO"
      MAZEVAULT_GATEWAY_ROLE           = "primary"
      AZURE_MANAGED_IDENTITY_CLIENT_ID = module.gateway_site["primary"].gateway_client_id
    }
    error_message = "Runbook section 4, column Primary."
  }
  assert {
    condition = output.gateway_environment_variables["dr"] == {
      MAZEVAULT_GATEWAY_ENVIRONMENT    = "PRO"
      MAZEVAULT_GATEWAY_ROLE           = "dr-standby"
      AZURE_MANAGED_IDENTITY_CLIENT_ID = module.gateway_site["dr"].gateway_client_id
    }
    error_message = "Runbook section 4, column DR."
  }
  assert {
    condition     = output.gateway_connection["dr"].MAZEVAULT_GATEWAY_ID == "gw-pro-dr"
    error_message = "A gateway is told its id."
  }
}

run "every_alert_names_its_environment_and_intent" {
  command = apply

  assert {
    condition     = length(module.alerts.rule_properties) == 25
    error_message = "The catalogue has another number of rules; say so here."
  }
  assert {
    condition     = alltrue([for rule in module.alerts.rule_properties : rule.environment == "PRO"])
    error_message = "The control plane takes the environment from the alert, not from a rule's name."
  }
  assert {
    condition     = toset([for rule in module.alerts.rule_properties : rule.intent]) == toset(["primary-failed", "primary-recovered", "signal"])
    error_message = "The control plane knows three intents."
  }
  assert {
    condition     = module.alerts.rule_properties["monitor_silent"].intent == "signal"
    error_message = "A silent monitor says nothing about the primary."
  }
}

run "service_health_goes_by_display_names" {
  command = apply

  assert {
    condition     = toset(module.alerts.watched_regions) == toset(["Global", "West Europe"])
    error_message = "Azure compares the region's display name; the short one matches no incident."
  }
}

run "gateways_have_the_ids_they_were_given" {
  command = apply

  variables {
    gateway_ids = { primary = "gw-a", dr = "gw-b" }
    protocol    = { heartbeat_timeout_s = 180 }
    vault_ids   = { shared = "/subscriptions/00000000-0000-4000-8000-000000000012/resourceGroups/rg-vault/providers/Microsoft.KeyVault/vaults/kv-mock" }
    deployer    = { issuer = "https://token.actions.githubusercontent.com", subject = "repo:example/gateway:environment:pro" }
  }
  assert {
    condition     = strcontains(module.policy.alerts.log["primary_silent"].query, "/api/v1/gateways/gw-a/heartbeat")
    error_message = "The alert looks for the primary's own id."
  }
  assert {
    condition     = module.policy.app_settings["MVDR_HEARTBEAT_TIMEOUT_S"] == "180"
    error_message = "A number of the protocol reaches the app."
  }
  assert {
    condition     = length(azurerm_role_assignment.vault) == 2
    error_message = "Both gateways reach the vault."
  }
  assert {
    condition     = module.policy.app_roles[module.identity_api["api"].assigned_roles["deployer"]].id == "3a30e277-76d0-4e27-ba83-6d66470b00fa"
    error_message = "The pipeline may read whether an operation runs, and no more."
  }
  assert {
    condition     = length(output.database_principals) == 2
    error_message = "The control plane and the pipeline get database roles."
  }
}

run "receivers_of_notifications_come_from_one_secret" {
  command = apply

  variables {
    notification_channels = { vault_id = "/subscriptions/00000000-0000-4000-8000-000000000012/resourceGroups/rg-vault/providers/Microsoft.KeyVault/vaults/kv-mock", secret_name = "notification-channels" }
  }
  assert {
    condition     = module.policy.app_settings["MVDR_NOTIFICATION_CHANNELS"] == "@Microsoft.KeyVault(VaultName=kv-mock;SecretName=notification-channels)"
    error_message = "The setting names the secret and does not hold it."
  }
  assert {
    condition     = azurerm_role_assignment.notification_channels["channels"].scope == "/subscriptions/00000000-0000-4000-8000-000000000012/resourceGroups/rg-vault/providers/Microsoft.KeyVault/vaults/kv-mock/secrets/notification-channels"
    error_message = "The control plane reads this secret and no other."
  }
  assert {
    condition     = azurerm_role_assignment.notification_channels["channels"].principal_id == module.control_plane.identity.principal_id
    error_message = "It reads it as its own identity."
  }
}

run "somebody_elses_registration_is_taken_as_it_is" {
  command = apply

  variables {
    existing_registration = {
      client_id      = "00000000-0000-4000-8000-0000000000f1"
      object_id      = "00000000-0000-4000-8000-0000000000f2"
      identifier_uri = "api://gateway-dr"
    }
  }
  assert {
    condition     = length(module.identity_api) == 0
    error_message = "Nothing is registered."
  }
  assert {
    condition     = module.policy.app_settings["MVDR_AUTH_AUDIENCE"] == "00000000-0000-4000-8000-0000000000f1"
    error_message = "Tokens are accepted for the given registration."
  }
}
