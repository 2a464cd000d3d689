resource "azurerm_user_assigned_identity" "cluster" {
  name                = var.names.cluster_identity
  resource_group_name = var.resource_group.name
  location            = var.location
  tags                = var.tags
}

# There is no argument for the power state here and no action that sets it: a stopped cluster is the control plane's or a
# drill's doing, and an apply that "repaired" it would start production twice. A stopped cluster accepts no change either,
# so start it before an apply that changes it.
resource "azurerm_kubernetes_cluster" "this" {
  name                = var.names.cluster
  resource_group_name = var.resource_group.name
  location            = var.location
  dns_prefix          = var.names.cluster
  kubernetes_version  = var.kubernetes.version
  sku_tier            = "Standard"
  tags                = var.tags

  oidc_issuer_enabled       = true
  workload_identity_enabled = true
  local_account_disabled    = true
  run_command_enabled       = true

  # Upgrades cannot run while the cluster is stopped; the standby is upgraded in a drill. Null, for "none" is refused.
  automatic_upgrade_channel = var.cold_standby ? null : "patch"
  node_os_upgrade_channel   = var.cold_standby ? "None" : "NodeImage"

  role_based_access_control_enabled = true

  azure_active_directory_role_based_access_control {
    azure_rbac_enabled     = true
    tenant_id              = var.tenant_id
    admin_group_object_ids = [var.admin_group_object_id]
  }

  default_node_pool {
    name                         = "system"
    vm_size                      = var.kubernetes.vm_size
    auto_scaling_enabled         = true
    min_count                    = var.kubernetes.min_nodes
    max_count                    = var.kubernetes.max_nodes
    zones                        = var.kubernetes.zones
    os_sku                       = "AzureLinux"
    host_encryption_enabled      = true
    os_disk_type                 = "Ephemeral"
    os_disk_size_gb              = 64
    max_pods                     = 50
    temporary_name_for_rotation  = "rotation"
    only_critical_addons_enabled = false
    tags                         = var.tags

    upgrade_settings {
      max_surge = "33%"
    }
  }

  # A cluster that provisions its own nodes cannot be stopped.
  node_provisioning_profile {
    mode = "Manual"
  }

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.cluster.id]
  }

  network_profile {
    network_plugin      = "azure"
    network_plugin_mode = "overlay"
    network_policy      = "cilium"
    network_data_plane  = "cilium"
  }

  dynamic "api_server_access_profile" {
    for_each = length(var.kubernetes.authorized_ip_ranges) > 0 ? ["restricted"] : []

    content {
      authorized_ip_ranges = var.kubernetes.authorized_ip_ranges
    }
  }

  lifecycle {
    # The autoscaler and the upgrade channel move these.
    ignore_changes = [default_node_pool[0].node_count, kubernetes_version]
  }
}

resource "azurerm_monitor_diagnostic_setting" "cluster" {
  name                       = "to-workspace"
  target_resource_id         = azurerm_kubernetes_cluster.this.id
  log_analytics_workspace_id = var.workspace_id

  enabled_log {
    category = "kube-audit-admin"
  }
  enabled_log {
    category = "guard"
  }
}
