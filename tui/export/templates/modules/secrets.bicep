// Secrets with which Databricks signs in as the service principal, for a secret scope backed by this vault.

param vaultName string
param tenantId string
param clientId string

@secure()
param clientSecret string

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' existing = {
  name: vaultName
}

resource tenantIdSecret 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = {
  parent: vault
  name: 'AZURE-TENANT-ID'
  properties: {
    value: tenantId
  }
}

resource clientIdSecret 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = {
  parent: vault
  name: 'AZURE-CLIENT-ID'
  properties: {
    value: clientId
  }
}

resource clientSecretSecret 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = {
  parent: vault
  name: 'AZURE-CLIENT-SECRET'
  properties: {
    value: clientSecret
  }
}
