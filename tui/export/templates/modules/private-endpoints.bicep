// A private endpoint for each service, and the DNS zones in which its addresses are registered.

param location string
param subnetId string
param zoneNames object
param workspaceName string
param workspaceId string
param storageId string
param vaultId string
param registryId string
param tags object

var services = [
  {
    name: 'workspace'
    id: workspaceId
    group: 'amlworkspace'
    zones: [
      zoneNames.workspace
      zoneNames.notebooks
    ]
  }
  {
    name: 'blob'
    id: storageId
    group: 'blob'
    zones: [
      zoneNames.blob
    ]
  }
  {
    name: 'file'
    id: storageId
    group: 'file'
    zones: [
      zoneNames.file
    ]
  }
  {
    name: 'vault'
    id: vaultId
    group: 'vault'
    zones: [
      zoneNames.vault
    ]
  }
  {
    name: 'registry'
    id: registryId
    group: 'registry'
    zones: [
      zoneNames.registry
    ]
  }
]

resource endpoints 'Microsoft.Network/privateEndpoints@2024-05-01' = [for service in services: {
  name: 'pe-${workspaceName}-${service.name}'
  location: location
  tags: tags
  properties: {
    subnet: {
      id: subnetId
    }
    privateLinkServiceConnections: [
      {
        name: service.name
        properties: {
          privateLinkServiceId: service.id
          groupIds: [
            service.group
          ]
        }
      }
    ]
  }
}]

resource groups 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-05-01' = [for (service, index) in services: {
  parent: endpoints[index]
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [for zone in service.zones: {
      name: replace(zone, '.', '-')
      properties: {
        privateDnsZoneId: resourceId('Microsoft.Network/privateDnsZones', zone)
      }
    }]
  }
}]
