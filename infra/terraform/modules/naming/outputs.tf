output "base" {
  description = "Workload and environment, for names that no other output has."
  value       = local.base
}

output "resource_groups" {
  description = "Names of the resource groups by place: primary, dr, witness."
  value       = local.resource_groups
}

output "control_plane" {
  description = "Names of what stands in the witness region, by purpose."
  value       = local.control_plane
}

output "sites" {
  description = "Names of what stands in each gateway region, by site and purpose."
  value       = local.sites
}

output "virtual_endpoint" {
  description = "Name of the PostgreSQL virtual endpoint, the first label of its host names."
  value       = "psql-${local.base}-${var.unique}"
}
