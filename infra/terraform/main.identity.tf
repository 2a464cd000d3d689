module "identity_api" {
  source   = "./modules/identity_api"
  for_each = var.existing_registration == null ? toset(["api"]) : toset([])

  display_name = module.naming.control_plane.registration
  app_roles    = module.policy.app_roles
  assignments = merge(
    {
      admins          = { role = "gateway:admin", principal_object_id = var.admins_group_object_id }
      operators       = { role = "gateway:operate", principal_object_id = var.operators_group_object_id }
      gateway-primary = { role = "gateway:agent", principal_object_id = module.gateway_site["primary"].gateway_principal_id }
      gateway-dr      = { role = "gateway:agent", principal_object_id = module.gateway_site["dr"].gateway_principal_id }
    },
    var.readers_group_object_id == null ? {} : {
      readers = { role = "gateway:read", principal_object_id = var.readers_group_object_id }
    },
    # It asks whether an operation runs before it deploys.
    var.deployer == null ? {} : {
      deployer = { role = "gateway:read", principal_object_id = module.control_plane.deployer.principal_id }
    },
  )
}
