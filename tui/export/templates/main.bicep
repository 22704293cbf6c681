// The prerequisites of a private managed online endpoint: two peered virtual networks, a workspace that is closed
// to public networks, private endpoints for it and for its storage, vault and registry, private DNS zones for both
// networks, roles for the service principal that deploys, and its secret in a Key Vault.
//
// Written by aml-deploy. It was checked with a Bicep parser, but NEVER compiled by the Bicep compiler or deployed.
// Before you deploy it:
//   az bicep build --file main.bicep
//   az deployment group what-if --resource-group GROUP --parameters main.bicepparam
//
// Versions of the resource types are stable ones; names of the private DNS zones are from Microsoft's
// private-endpoint-dns for the public cloud, and are parameters for other clouds.

targetScope = 'resourceGroup'

@description('Azure region of all resources; existing virtual networks must be in it or peered.')
param location string = resourceGroup().location

@description('Name of the Azure Machine Learning workspace.')
@minLength(3)
@maxLength(33)
param workspaceName string

@description('How the workspace isolates deployments: AllowInternetOutbound or AllowOnlyApprovedOutbound for a managed virtual network, Disabled for legacy isolation.')
@allowed([
  'AllowInternetOutbound'
  'AllowOnlyApprovedOutbound'
  'Disabled'
])
param managedNetworkIsolation string

@description('Id of the virtual network that the Databricks clusters are in. If empty, a network is created.')
param databricksNetworkId string = ''

@description('Id of the virtual network for the private endpoints. If empty, a network is created.')
param workspaceNetworkId string = ''

@description('Id of the subnet for the private endpoints; required if their network already exists.')
param privateEndpointSubnetId string = ''

@description('Address range of the network for Databricks, if it is created.')
param databricksNetworkPrefix string = '10.80.0.0/16'

@description('Address range of the network for private endpoints, if it is created; the two must not overlap.')
param workspaceNetworkPrefix string = '10.81.0.0/16'

@description('Whether to peer the two networks; false if they are already peered or are the same network.')
param peerNetworks bool = true

@description('Object id (not client id) of the service principal that deploys.')
param principalObjectId string

@description('Client id of that service principal, stored in the vault for Databricks.')
param clientId string = ''

@secure()
@description('Secret of that service principal, stored in the vault for Databricks; if empty, no secret is written.')
param clientSecret string = ''

@description('Resource id of the user-assigned identity of the endpoint; if empty, the endpoint gets a system-assigned identity.')
param endpointIdentityId string = ''

@description('Name of a compute cluster that builds images; required for a private registry with legacy isolation.')
param imageBuildCompute string = ''

@description('Tags of all created resources.')
param tags object = {}

@description('Private DNS zones by purpose.')
param zoneNames object = {
  workspace: 'privatelink.api.azureml.ms'
  notebooks: 'privatelink.notebooks.azure.net'
  blob: 'privatelink.blob.${environment().suffixes.storage}'
  file: 'privatelink.file.${environment().suffixes.storage}'
  vault: 'privatelink.vaultcore.azure.net'
  registry: 'privatelink.azurecr.io'
}

var unique = uniqueString(resourceGroup().id, workspaceName)
var makesDatabricksNetwork = empty(databricksNetworkId)
var makesWorkspaceNetwork = empty(workspaceNetworkId)

module databricksNetwork 'modules/network.bicep' = if (makesDatabricksNetwork) {
  name: 'databricks-network'
  params: {
    name: 'vnet-databricks-${unique}'
    location: location
    prefix: databricksNetworkPrefix
    forDatabricks: true
    tags: tags
  }
}

module workspaceNetwork 'modules/network.bicep' = if (makesWorkspaceNetwork) {
  name: 'workspace-network'
  params: {
    name: 'vnet-ml-${unique}'
    location: location
    prefix: workspaceNetworkPrefix
    forDatabricks: false
    tags: tags
  }
}

var databricksId = makesDatabricksNetwork ? resourceId('Microsoft.Network/virtualNetworks', 'vnet-databricks-${unique}') : databricksNetworkId
var workspaceId = makesWorkspaceNetwork ? resourceId('Microsoft.Network/virtualNetworks', 'vnet-ml-${unique}') : workspaceNetworkId
var subnetId = makesWorkspaceNetwork ? '${workspaceId}/subnets/private-endpoints' : privateEndpointSubnetId

module peeringThere 'modules/peering.bicep' = if (peerNetworks) {
  name: 'peering-databricks-to-ml'
  scope: resourceGroup(split(databricksId, '/')[2], split(databricksId, '/')[4])
  params: {
    networkName: last(split(databricksId, '/'))
    remoteNetworkId: workspaceId
  }
  dependsOn: [
    databricksNetwork
    workspaceNetwork
  ]
}

module peeringBack 'modules/peering.bicep' = if (peerNetworks) {
  name: 'peering-ml-to-databricks'
  scope: resourceGroup(split(workspaceId, '/')[2], split(workspaceId, '/')[4])
  params: {
    networkName: last(split(workspaceId, '/'))
    remoteNetworkId: databricksId
  }
  dependsOn: [
    databricksNetwork
    workspaceNetwork
  ]
}

module zones 'modules/zones.bicep' = {
  name: 'private-dns-zones'
  params: {
    zoneNames: zoneNames
    networkIds: databricksId == workspaceId ? [workspaceId] : [workspaceId, databricksId]
    tags: tags
  }
  dependsOn: [
    databricksNetwork
    workspaceNetwork
  ]
}

module workspace 'modules/workspace.bicep' = {
  name: 'workspace'
  params: {
    name: workspaceName
    location: location
    unique: unique
    managedNetworkIsolation: managedNetworkIsolation
    imageBuildCompute: imageBuildCompute
    tags: tags
  }
}

module privateEndpoints 'modules/private-endpoints.bicep' = {
  name: 'private-endpoints'
  params: {
    location: location
    subnetId: subnetId
    zoneNames: zoneNames
    workspaceName: workspaceName
    workspaceId: workspace.outputs.workspaceId
    storageId: workspace.outputs.storageId
    vaultId: workspace.outputs.vaultId
    registryId: workspace.outputs.registryId
    tags: tags
  }
  dependsOn: [
    zones
    workspaceNetwork
  ]
}

module roles 'modules/roles.bicep' = {
  name: 'roles'
  params: {
    workspaceName: workspaceName
    storageName: workspace.outputs.storageName
    principalObjectId: principalObjectId
  }
}

// The identity must exist, and can be in another resource group or subscription.
var identityParts = split(empty(endpointIdentityId) ? resourceGroup().id : endpointIdentityId, '/')

module identityOperator 'modules/identity-operator.bicep' = if (!empty(endpointIdentityId)) {
  name: 'identity-operator'
  scope: resourceGroup(identityParts[2], identityParts[4])
  params: {
    identityName: last(identityParts)
    principalObjectId: principalObjectId
  }
}

module endpointIdentity 'modules/endpoint-identity.bicep' = if (!empty(endpointIdentityId)) {
  name: 'endpoint-identity'
  params: {
    identityPrincipalId: identityOperator.outputs.identityPrincipalId
    storageName: workspace.outputs.storageName
    registryName: workspace.outputs.registryName
  }
}

module secrets 'modules/secrets.bicep' = if (!empty(clientSecret)) {
  name: 'secrets'
  params: {
    vaultName: workspace.outputs.vaultName
    tenantId: tenant().tenantId
    clientId: clientId
    clientSecret: clientSecret
  }
}

output workspaceId string = workspace.outputs.workspaceId
output vaultName string = workspace.outputs.vaultName
output databricksNetworkId string = databricksId
output workspaceNetworkId string = workspaceId
