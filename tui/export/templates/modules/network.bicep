// A virtual network for Databricks clusters (two delegated subnets) or for private endpoints.

param name string
param location string
param prefix string
param forDatabricks bool
param tags object

var delegation = [
  {
    name: 'databricks'
    properties: {
      serviceName: 'Microsoft.Databricks/workspaces'
    }
  }
]

resource group 'Microsoft.Network/networkSecurityGroups@2024-05-01' = {
  name: 'nsg-${name}'
  location: location
  tags: tags
}

resource network 'Microsoft.Network/virtualNetworks@2024-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: [
        prefix
      ]
    }
    subnets: forDatabricks ? [
      {
        name: 'databricks-host'
        properties: {
          addressPrefix: cidrSubnet(prefix, 24, 0)
          delegations: delegation
          networkSecurityGroup: {
            id: group.id
          }
        }
      }
      {
        name: 'databricks-container'
        properties: {
          addressPrefix: cidrSubnet(prefix, 24, 1)
          delegations: delegation
          networkSecurityGroup: {
            id: group.id
          }
        }
      }
    ] : [
      {
        name: 'private-endpoints'
        properties: {
          addressPrefix: cidrSubnet(prefix, 24, 0)
          privateEndpointNetworkPolicies: 'Disabled'
          networkSecurityGroup: {
            id: group.id
          }
        }
      }
    ]
  }
}
