# Abbreviations of the Cloud Adoption Framework: learn.microsoft.com, "Abbreviation recommendations for Azure resources".
locals {
  environment = lower(var.environment)
  base        = "${var.workload}-${local.environment}"
  compact     = "${var.workload}${local.environment}"

  control_plane = {
    function_app  = "func-${local.base}-${var.unique}"
    plan          = "asp-${local.base}"
    identity      = "id-${local.base}-control-plane"
    deployer      = "id-${local.base}-deployer"
    host_storage  = "st${local.compact}host${var.unique}"
    lock_storage  = "st${local.compact}lock${var.unique}"
    scheduler     = "dts-${local.base}-${var.unique}"
    network       = "vnet-${local.base}"
    workspace     = "log-${local.base}"
    insights      = "appi-${local.base}"
    alert_reader  = "id-${local.base}-alerts"
    registration  = "MazeVault Gateway DR ${var.environment}"
    budget        = "budget-${local.base}"
    webhook_group = "ag-${local.base}-control-plane"
    people_group  = "ag-${local.base}-people"
  }

  sites = {
    for site in ["primary", "dr"] : site => {
      cluster          = "aks-${local.base}-${site}"
      cluster_identity = "id-${local.base}-aks-${site}"
      gateway_identity = "id-${local.base}-gateway-${site}"
      gateway_id       = "gw-${local.environment}-${site}"
      role             = "MazeVault gateway cluster ${site} ${var.environment} ${var.unique}"
      database         = "psql-${local.base}-${site}-${var.unique}"
    }
  }

  resource_groups = { for place in ["primary", "dr", "witness"] : place => "rg-${local.base}-${place}" }
}
