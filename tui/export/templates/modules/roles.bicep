// Roles of the service principal that deploys: work in the workspace, and write models and code to its storage.

param workspaceName string
param storageName string
param principalObjectId string

// Microsoft, built-in-roles: AzureML Data Scientist, Storage Blob Data Contributor.
var dataScientist = 'f6c7c914-8db3-469d-8ca1-694a8f32e121'
var blobContributor = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'

resource workspace 'Microsoft.MachineLearningServices/workspaces@2024-10-01' existing = {
  name: workspaceName
}

resource storage 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: storageName
}

resource mayDeploy 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(workspace.id, principalObjectId, dataScientist)
  scope: workspace
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', dataScientist)
    principalId: principalObjectId
    principalType: 'ServicePrincipal'
  }
}

resource mayUpload 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(storage.id, principalObjectId, blobContributor)
  scope: storage
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobContributor)
    principalId: principalObjectId
    principalType: 'ServicePrincipal'
  }
}
