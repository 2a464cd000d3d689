variables {
  environment                = "PRO"
  primary_gateway_id         = "gw-pro-primary"
  control_plane_principal_id = "22222222-2222-4222-8222-222222222222"
  lock_storage_name          = "stgatewayprolocka1b2"
  host_storage_name          = "stgatewayprohosta1b2"
  identity_client_id         = "11111111-1111-4111-8111-111111111111"
  insights_connection_string = "InstrumentationKey=0"
  environments               = { PRO = { dr_cluster = "/dr", primary_cluster = "/primary" } }
  database_url               = "postgresql://id-gateway-pro@db.example.com:5432/gatewaydr?sslmode=verify-full"
  database_pool_size         = 8
  tables_endpoint            = "https://stgatewayprolocka1b2.table.core.windows.net/"
  tenant_id                  = "33333333-3333-4333-8333-333333333333"
  api_client_id              = "88888888-8888-4888-8888-888888888888"
  public_url                 = "https://func.example.com"
  traces                     = { exporter = "none", otlp_endpoint = "" }
  notification_channels      = { vault_name = "kv-mock", secret_name = "notification-channels" }
  schedules                  = { health_monitor = "*/15 * * * * *", task_timeout = "5/15 * * * * *", mirror = "10/15 * * * * *", preflight = "30 */15 * * * *", drill = "0 0 10 15 1,4,7,10 *", notification = "12/30 * * * * *" }
  protocol                   = { heartbeat_timeout_s = 180 }
  durable_backend            = "azure_storage"
  scheduler_connection       = ""
}

run "the_host_reaches_its_storage_with_the_identity" {
  command = apply

  assert {
    condition     = !contains(keys(output.app_settings), "AzureWebJobsStorage")
    error_message = "A plain AzureWebJobsStorage would be read as a connection string."
  }
  assert {
    condition     = output.app_settings["AzureWebJobsStorage__credential"] == "managedidentity"
    error_message = "Without the credential setting the host does not start."
  }
  assert {
    condition     = output.app_settings["AzureWebJobsStorage__clientId"] == var.identity_client_id
    error_message = "A user-assigned identity is named by its client id."
  }
}

run "numbers_of_the_protocol_become_settings" {
  command = apply

  assert {
    condition     = output.app_settings["MVDR_HEARTBEAT_TIMEOUT_S"] == "180"
    error_message = "A given number is a setting."
  }
  assert {
    condition     = !contains(keys(output.app_settings), "MVDR_LEASE_S")
    error_message = "A number that was not given stays the product's."
  }
  assert {
    condition     = jsondecode(output.app_settings["MVDR_ENVIRONMENTS"]).PRO.dr_cluster == "/dr"
    error_message = "The environments are JSON."
  }
}

run "traces_go_to_a_collector_only_where_one_is_named" {
  command = apply

  variables {
    traces = { exporter = "otlp", otlp_endpoint = "https://collector.example.com" }
  }
  assert {
    condition     = output.app_settings["OTEL_EXPORTER_OTLP_ENDPOINT"] == "https://collector.example.com"
    error_message = "The collector's address is the exporter's own setting."
  }
  assert {
    condition     = !contains(keys(run.numbers_of_the_protocol_become_settings.app_settings), "OTEL_EXPORTER_OTLP_ENDPOINT")
    error_message = "Without a collector there is no address."
  }
}

run "receivers_of_notifications_are_a_reference" {
  command = apply

  assert {
    condition     = output.app_settings["MVDR_NOTIFICATION_CHANNELS"] == "@Microsoft.KeyVault(VaultName=kv-mock;SecretName=notification-channels)"
    error_message = "The setting names the secret and does not hold it."
  }
}

run "without_receivers_the_setting_is_empty" {
  command = apply

  variables {
    notification_channels = null
  }
  assert {
    condition     = output.app_settings["MVDR_NOTIFICATION_CHANNELS"] == ""
    error_message = "Empty counts as absent."
  }
}

run "one_variable_chooses_the_durable_backend" {
  command = apply

  variables {
    durable_backend      = "durable_task_scheduler"
    scheduler_connection = "Endpoint=https://x;TaskHub=gatewaydr;Authentication=ManagedIdentity"
  }
  assert {
    condition     = output.app_settings["AzureFunctionsJobHost__extensions__durableTask__storageProvider__type"] == "durabletask-scheduler"
    error_message = "The type replaces the one of host.json."
  }
  assert {
    condition = length(setsubtract(keys(output.app_settings),
    keys(run.numbers_of_the_protocol_become_settings.app_settings))) == 3
    error_message = "The backends differ in three settings."
  }
}

run "the_control_plane_cannot_stop_production" {
  command = apply

  assert {
    condition     = toset(output.cluster_actions.primary) == toset(["Microsoft.ContainerService/managedClusters/read"])
    error_message = "The primary cluster may be read and nothing else."
  }
  assert {
    condition     = length(output.cluster_actions.dr) == 5
    error_message = "The DR cluster: read, start, stop, run a command, read its result."
  }
}

run "role_ids_are_five_different_ones" {
  command = apply

  assert {
    condition     = length(distinct([for role in output.app_roles : role.id])) == 5
    error_message = "Each role has an id of its own."
  }
  assert {
    condition     = alltrue([for name in ["gateway:agent", "alert:ingest"] : output.app_roles[name].members == ["Application"]])
    error_message = "No person is a gateway or Azure Monitor."
  }
}

run "a_database_password_is_refused" {
  command = plan

  variables {
    database_url = "postgresql://admin:secret@db.example.com/gatewaydr"
  }
  expect_failures = [var.database_url]
}

run "a_misspelt_number_is_refused" {
  command = plan

  variables {
    protocol = { heartbeat_timout_s = 180 }
  }
  expect_failures = [var.protocol]
}

run "an_unknown_backend_is_refused" {
  command = plan

  variables {
    durable_backend = "dts"
  }
  expect_failures = [var.durable_backend]
}
