# Who may do what, as data. The tests read these lists; a right that is not here is nowhere granted.
locals {
  # Resource provider operations of Microsoft.ContainerService. The primary is production: reading it is evidence for a
  # failover, stopping it must stay impossible for the control plane.
  cluster_actions = {
    primary = ["Microsoft.ContainerService/managedClusters/read"]
    dr = [
      "Microsoft.ContainerService/managedClusters/read",
      "Microsoft.ContainerService/managedClusters/start/action",
      "Microsoft.ContainerService/managedClusters/stop/action",
      "Microsoft.ContainerService/managedClusters/runCommand/action",
      "Microsoft.ContainerService/managedClusters/commandResults/read",
    ]
  }

  # What the Functions host and Durable's Azure Storage provider need with an identity (Azure Functions reference,
  # "Connecting to host storage with an identity").
  host_storage_roles = {
    blob  = "Storage Blob Data Owner"
    queue = "Storage Queue Data Contributor"
    table = "Storage Table Data Contributor"
  }
  lock_storage_roles = {
    table = "Storage Table Data Contributor"
  }

  # Ids stay for ever: an assignment names the id, and a changed one would take everybody's rights away.
  app_roles = {
    "gateway:read" = {
      id           = "3a30e277-76d0-4e27-ba83-6d66470b00fa"
      display_name = "Gateway reader"
      description  = "See gateways, operations, tasks and the audit trail."
      members      = ["User", "Application"]
    }
    "gateway:operate" = {
      id           = "72e846cb-aec9-4a27-8e3f-9dae4a6046a5"
      display_name = "Gateway operator"
      description  = "Everything a reader may do, run rotations and settle tasks in doubt."
      members      = ["User", "Application"]
    }
    "gateway:admin" = {
      id           = "ec884f70-a3d7-46ab-abe8-23e61dc0963a"
      display_name = "Gateway administrator"
      description  = "Everything an operator may do, fail over, fail back and deactivate."
      members      = ["User", "Application"]
    }
    "gateway:agent" = {
      id           = "7395e1f3-82ca-464d-830c-17d180a1424c"
      display_name = "Gateway"
      description  = "Register, beat, claim and report as one gateway. For managed identities of gateways only."
      members      = ["Application"]
    }
    "alert:ingest" = {
      id           = "6c131fd6-e359-4486-962e-7aec3fbda40a"
      display_name = "Alert sender"
      description  = "Deliver Azure Monitor alerts. For the principal of Azure Monitor only."
      members      = ["Application"]
    }
  }
}
