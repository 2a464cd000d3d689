variables {
  workload    = "gateway"
  environment = "PRO"
  unique      = "a1b2c3"
}

run "the_longest_names_fit_a_storage_account" {
  command = apply

  assert {
    condition = alltrue([
      for name in [output.control_plane.host_storage, output.control_plane.lock_storage] :
      can(regex("^[a-z0-9]{3,24}$", name))
    ])
    error_message = "A storage account has 3 to 24 lower-case letters and digits."
  }
  assert {
    condition     = output.control_plane.host_storage != output.control_plane.lock_storage
    error_message = "The locks have an account of their own."
  }
}

run "the_names_of_the_two_environments_have_nothing_in_common" {
  command = apply

  variables {
    environment = "NPR"
  }
  assert {
    condition = length(setintersection(
      concat(values(output.control_plane), values(output.resource_groups), values(output.sites["dr"])),
      concat(values(run.the_longest_names_fit_a_storage_account.control_plane),
        values(run.the_longest_names_fit_a_storage_account.resource_groups),
      values(run.the_longest_names_fit_a_storage_account.sites["dr"])),
    )) == 0
    error_message = "NPR and PRO would share a resource."
  }
}

run "a_workload_that_is_too_long_is_refused" {
  command = plan

  variables {
    workload = "gateways"
  }
  expect_failures = [var.workload]
}

run "an_environment_the_runbook_does_not_know_is_refused" {
  command = plan

  variables {
    environment = "DEV"
  }
  expect_failures = [var.environment]
}

run "a_suffix_with_capitals_is_refused" {
  command = plan

  variables {
    unique = "A1B2"
  }
  expect_failures = [var.unique]
}
