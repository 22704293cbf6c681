// Deploys a model with Microsoft's clients for JavaScript; prints one JSON object: what went well, what did not.

import assert from "node:assert/strict";
import machineLearning from "@azure/arm-machinelearning";
import { ClientSecretCredential, DefaultAzureCredential } from "@azure/identity";
import { ContainerClient } from "@azure/storage-blob";

const { env } = process;
const origin = env.REHEARSAL_ORIGIN;
const subscription = env.AZURE_SUBSCRIPTION_ID;
const place = [env.AZURE_RESOURCE_GROUP, env.AZURE_ML_WORKSPACE];
const endpoint = "from-javascript";
const deployment = [...place, endpoint, "blue"];
const often = { updateIntervalInMs: 500 };
const location = "eastus";
const SCORE = "import json\ndef init(): print('ready')\ndef run(text): return {'product': 3 * json.loads(text)['number']}\n";
const CONDA = "dependencies: [python=3.11, pip, {pip: [azureml-inference-server-http]}]\n";

const clientFor = (credential) => new machineLearning.AzureMachineLearningWorkspaces(credential, subscription, { endpoint: origin });
const credential = new DefaultAzureCredential();
const client = clientFor(credential);
const all = async (pages) => {
  const found = [];
  for await (const item of pages) found.push(item);
  return found;
};
const described = (properties = {}) => ({ location, properties: { authMode: "Key", ...properties } });
const score = async () => {
  const { scoringUri } = await client.onlineEndpoints.get(...place, endpoint).then((found) => found.properties);
  const { primaryKey } = await client.onlineEndpoints.listKeys(...place, endpoint);
  const headers = { Authorization: `Bearer ${primaryKey}`, "Content-Type": "application/json" };
  return fetch(scoringUri, { method: "POST", headers, body: JSON.stringify({ number: 5 }) });
};

const assets = {};
const steps = {
  "a service principal signs in": async () => {
    const options = { authorityHost: origin, disableInstanceDiscovery: true };
    const secret = [env.REHEARSAL_TENANT_ID, env.REHEARSAL_CLIENT_ID, env.REHEARSAL_CLIENT_SECRET];
    const found = await clientFor(new ClientSecretCredential(...secret, options)).workspaces.get(...place);
    assert.equal(found.name, env.AZURE_ML_WORKSPACE);
  },
  "workspaces, computes, datastores, quota and sizes are listed": async () => {
    const [group, workspace] = place;
    assert.ok((await all(client.workspaces.listByResourceGroup(group))).some((item) => item.name === workspace));
    assert.ok((await all(client.computeOperations.list(...place))).length);
    assert.ok((await all(client.datastores.list(...place))).some((item) => item.name === "workspaceblobstore"));
    assert.ok((await all(client.usages.list(location))).length);
    assert.ok((await client.virtualMachineSizes.list(location)).value.length);
  },
  "files are uploaded by identity, and the account's key is shown": async () => {
    const { properties } = await client.datastores.get(...place, "workspaceblobstore");
    const secrets = await client.datastores.listSecrets(...place, "workspaceblobstore");
    assert.ok(secrets.secretsType === "AccountKey" && secrets.key);
    const account = `https://${properties.accountName}.blob.${properties.endpoint}`;
    assets.container = `${account}/${properties.containerName}`;
    const container = new ContainerClient(assets.container, credential);
    for (const [name, text] of [["js/code/score.py", SCORE], ["js/model/factor.json", "3"]]) {
      await container.getBlockBlobClient(name).upload(text, text.length);
    }
    assert.equal((await all(container.listBlobsFlat({ prefix: "js/" }))).length, 2);
  },
  "model, code and environment are registered": async () => {
    const put = async (kind, properties) => (await client[kind].createOrUpdate(...place, "js", "1", { properties })).id;
    const modelUri = "azureml://datastores/workspaceblobstore/paths/js/model";
    assets.model = await put("modelVersions", { modelUri, modelType: "custom_model" });
    assets.code = await put("codeVersions", { codeUri: `${assets.container}/js/code` });
    assets.environment = await put("environmentVersions", { image: "mcr.microsoft.com/azureml/base", condaFile: CONDA });
    assert.ok((await all(client.modelVersions.list(...place, "js"))).length);
  },
  "an endpoint is created": async () => {
    const made = await client.onlineEndpoints.beginCreateOrUpdateAndWait(...place, endpoint, described(), often);
    assert.equal(made.properties.provisioningState, "Succeeded");
  },
  "a deployment is created from what is registered": async () => {
    const properties = {
      endpointComputeType: "Managed",
      instanceType: "Standard_DS3_v2",
      model: assets.model,
      environmentId: assets.environment,
      codeConfiguration: { codeId: assets.code, scoringScript: "score.py" },
    };
    const body = { location, sku: { name: "Default", capacity: 1 }, properties };
    const made = await client.onlineDeployments.beginCreateOrUpdateAndWait(...deployment, body, often);
    assert.equal(made.properties.provisioningState, "Succeeded");
  },
  "traffic is shifted and the endpoint answers": async () => {
    const traffic = { traffic: { blue: 100 } };
    const shifted = await client.onlineEndpoints.beginCreateOrUpdateAndWait(...place, endpoint, described(traffic), often);
    assert.deepEqual(shifted.properties.traffic, { blue: 100 });
    const answer = await score();
    assert.equal(answer.status, 200);
    assert.deepEqual(await answer.json(), { product: 15 });
  },
  "logs are read": async () => {
    assert.match((await client.onlineDeployments.getLogs(...deployment, { tail: 100 })).content, /ready/);
  },
  "endpoints, deployments and sizes of scale are listed": async () => {
    assert.ok((await all(client.onlineEndpoints.list(...place))).some((item) => item.name === endpoint));
    assert.ok((await all(client.onlineDeployments.list(...place, endpoint))).some((item) => item.name === "blue"));
    assert.ok((await all(client.onlineDeployments.listSkus(...deployment))).length);
  },
  "a deployment is scaled": async () => {
    // What comes last from the service is the operation, not the deployment.
    await client.onlineDeployments.beginUpdateAndWait(...deployment, { sku: { name: "Default", capacity: 2 } }, often);
    assert.equal((await client.onlineDeployments.get(...deployment)).sku.capacity, 2);
  },
  "a key is regenerated": async () => {
    const before = await client.onlineEndpoints.listKeys(...place, endpoint);
    await client.onlineEndpoints.beginRegenerateKeysAndWait(...place, endpoint, { keyType: "Secondary" }, often);
    const after = await client.onlineEndpoints.listKeys(...place, endpoint);
    assert.equal(after.primaryKey, before.primaryKey);
    assert.notEqual(after.secondaryKey, before.secondaryKey);
  },
  "an endpoint that is not there is a 404 with Azure's code": async () => {
    const refused = { statusCode: 404, code: "ResourceNotFound" };
    await assert.rejects(client.onlineEndpoints.get(...place, "nobody"), refused);
  },
  "the deployment and the endpoint are deleted": async () => {
    await client.onlineEndpoints.beginCreateOrUpdateAndWait(...place, endpoint, described({ traffic: {} }), often);
    await client.onlineDeployments.beginDeleteAndWait(...deployment, often);
    await client.onlineEndpoints.beginDeleteAndWait(...place, endpoint, often);
    assert.deepEqual(await all(client.onlineEndpoints.list(...place)), []);
  },
};

const result = {};
for (const [name, step] of Object.entries(steps)) {
  try {
    await step();
    result[name] = "";
  } catch (error) {
    result[name] = `${error.name} ${error.statusCode ?? ""} ${error.code ?? ""} ${error.message}`;
  }
}
console.log(JSON.stringify(result));
