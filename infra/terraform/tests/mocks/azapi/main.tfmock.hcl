mock_resource "azapi_resource" {
  defaults = {
    id = "/subscriptions/00000000-0000-4000-8000-000000000011/resourceGroups/rg-mock/providers/Microsoft.Web/sites/func-mock"
    output = {
      properties = {
        defaultHostName = "func-mock.azurewebsites.net"
        endpoint        = "https://mock.durabletask.example.com"
      }
    }
  }
}
