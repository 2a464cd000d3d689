output "gateway_environment_variables" {
  description = "The three environment variables of runbook section 4, by site."
  value = {
    for site, role in local.gateway_roles : site => {
      MAZEVAULT_GATEWAY_ENVIRONMENT    = var.environment
      MAZEVAULT_GATEWAY_ROLE           = role
      AZURE_MANAGED_IDENTITY_CLIENT_ID = module.gateway_site[site].gateway_client_id
    }
  }
}

output "gateway_connection" {
  description = "What else a gateway is told, by site: its id, its region and where the control plane is."
  value = {
    for site, id in local.gateway_ids : site => {
      MAZEVAULT_GATEWAY_ID        = id
      MAZEVAULT_GATEWAY_REGION    = var.regions[site]
      MAZEVAULT_CONTROL_PLANE_URL = "https://${module.control_plane.function_app.hostname}"
    }
  }
}

output "gateway_service_account" {
  description = "Namespace and name of the service account that is federated with the gateways' identities."
  value       = { namespace = var.kubernetes.namespace, name = var.kubernetes.service_account }
}
