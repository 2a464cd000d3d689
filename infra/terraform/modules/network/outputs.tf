output "functions_subnet_id" {
  description = "Subnet of the function app."
  value       = azurerm_subnet.functions.id
}

output "egress_addresses" {
  description = "Public addresses the function app calls from: one without private endpoints, else none."
  value       = [for address in azurerm_public_ip.egress : address.ip_address]
}

output "path_ids" {
  description = "Ids of everything that must stand before the function app can reach its stores."
  value = concat(
    [for endpoint in azurerm_private_endpoint.this : endpoint.id],
    [for association in azurerm_subnet_nat_gateway_association.egress : association.id],
  )
}
