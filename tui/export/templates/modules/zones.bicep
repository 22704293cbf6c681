// Private DNS zones, each linked to every network that must resolve the private addresses.

param zoneNames object
param networkIds array
param tags object

var names = map(items(zoneNames), item => item.value)

resource zones 'Microsoft.Network/privateDnsZones@2020-06-01' = [for name in names: {
  name: name
  location: 'global'
  tags: tags
}]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2020-06-01' = [for index in range(0, length(names) * length(networkIds)): {
  name: '${names[index / length(networkIds)]}/${uniqueString(networkIds[index % length(networkIds)])}'
  location: 'global'
  tags: tags
  properties: {
    registrationEnabled: false
    virtualNetwork: {
      id: networkIds[index % length(networkIds)]
    }
  }
  dependsOn: [
    zones
  ]
}]
