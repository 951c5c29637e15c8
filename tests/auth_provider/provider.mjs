// An OpenID provider on a free port of the loopback interface. It prints its issuer, and exits when
// its standard input is closed.

import { Console } from 'node:console';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';

import Provider from 'oidc-provider';

// Standard output is only for the issuer; the provider also logs.
globalThis.console = new Console(process.stderr);

const { values } = parseArgs({
  options: {
    'access-seconds': { type: 'string', default: '300' },
    'refresh-seconds': { type: 'string', default: '1800' },
    'device-seconds': { type: 'string', default: '600' },
    'device-interval': { type: 'string' },
    'auth-methods': { type: 'string', default: 'client_secret_basic,client_secret_post,none' },
  },
});
const seconds = (name) => Number(values[`${name}-seconds`]);
const interval = values['device-interval'];
const authMethods = values['auth-methods'].split(',');

const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
const RESOURCE = 'urn:prov-api';
const READ = 'entity-registry-read';
const WRITE = 'entity-registry-write';
// Any password is valid for any name.
const ROLES = {
  ann: [READ, WRITE],
  bob: [READ],
  'with-post': [READ, WRITE],
  'with-basic': [READ, WRITE],
};

const confidential = (id, method) => ({
  client_id: id,
  client_secret: `the secret of ${id}: 50% & more`,
  token_endpoint_auth_method: method,
  grant_types: ['client_credentials'],
  response_types: [],
  redirect_uris: [],
});

const device = (id, scope) => ({
  client_id: id,
  application_type: 'native',
  token_endpoint_auth_method: 'none',
  grant_types: [DEVICE, 'refresh_token'],
  response_types: [],
  redirect_uris: [],
  scope,
});

const configuration = {
  clients: [
    device('device', 'openid offline_access'),
    device('online', 'openid'),
    confidential('with-post', 'client_secret_post'),
    confidential('with-basic', 'client_secret_basic'),
  ].filter((client) => authMethods.includes(client.token_endpoint_auth_method)),
  clientAuthMethods: authMethods,
  cookies: { keys: [randomBytes(32).toString('hex')] },
  // Without it, the provider uses a publicly known key.
  jwks: {
    keys: [
      {
        ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }),
        use: 'sig',
        alg: 'RS256',
      },
    ],
  },
  features: {
    clientCredentials: { enabled: true },
    deviceFlow: { enabled: true },
    devInteractions: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    rpInitiatedLogout: { enabled: false },
    // Only with this feature are access tokens JWTs.
    resourceIndicators: {
      enabled: true,
      defaultResource: () => RESOURCE,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        // Token responses name no other scopes.
        scope: 'openid offline_access',
        audience: RESOURCE,
        accessTokenFormat: 'jwt',
        accessTokenTTL: seconds('access'),
        jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
  ttl: {
    AccessToken: seconds('access'),
    ClientCredentials: seconds('access'),
    RefreshToken: seconds('refresh'),
    DeviceCode: seconds('device'),
  },
  issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
  rotateRefreshToken: true,
  extraTokenClaims: (_, token) => {
    const name = token.accountId ?? token.clientId;
    return {
      preferred_username: name,
      email: `${name}@example.org`,
      realm_access: { roles: ROLES[name] ?? [] },
    };
  },
};

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, configuration);
  // The provider sends no interval, which means 5 seconds.
  provider.use(async (ctx, next) => {
    await next();
    if (interval !== undefined && ctx.oidc?.route === 'device_authorization' && ctx.body) {
      ctx.body.interval = Number(interval);
    }
  });
  server.on('request', provider.callback());
  process.stdout.write(`${issuer}\n`);
});
process.stdin.resume();
process.stdin.on('close', () => process.exit());
