// A certified OAuth server, configured to look like Entra ID: one provider per tenant behind one
// origin. Prints its origin once it listens, and ends when its standard input does.
//
// Needs QUELL_OIDC_HOME, a directory in whose node_modules oidc-provider was installed.
//
// /control/log      what the token endpoints were sent, as a list of forms
// /control/fault    POST {status, headers, body}: the answer to the next request for a token
// /control/approve  POST {tenant, user_code}: types the code into the real pages
// /control/browse   POST {url}: opens the URL in a browser and signs the person in

import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const home = process.env.QUELL_OIDC_HOME;
const entry = join(home, 'node_modules/oidc-provider/lib/index.js');
const { Provider, errors } = await import(pathToFileURL(entry));

const TENANTS = ['11111111-1111-1111-1111-111111111111', '99999999-9999-9999-9999-999999999999'];
const CLIENT = '22222222-2222-2222-2222-222222222222';
const CERTIFIED = '33333333-3333-3333-3333-333333333333';
const PUBLIC = '44444444-4444-4444-4444-444444444444';
const PERSON = '55555555-5555-5555-5555-555555555555';
const NAME = 'analyst@contoso.example';
const PASSWORD = 'pa55word~of the person';
const SECRET = 's3cr3t~of-the.application/+=';
const RESOURCES = {
  'https://api.securitycenter.microsoft.com': ['Machine.Isolate', 'Alert.ReadWrite'],
  'https://api.security.microsoft.com': ['Incident.Read'],
};
/** What the applications were granted, in every tenant. */
const ROLES = {
  [CLIENT]: { 'https://api.securitycenter.microsoft.com': ['Machine.Isolate', 'Alert.ReadWrite.All'] },
  [CERTIFIED]: { 'https://api.securitycenter.microsoft.com': ['Alert.ReadWrite.All'] },
};

const pem = readFileSync(new URL('../certificates/app.crt', import.meta.url));
const certificate = new X509Certificate(pem);
const thumbprint = createHash('sha256').update(certificate.raw).digest('base64url');
const jwk = { ...certificate.publicKey.export({ format: 'jwk' }), alg: 'PS256', use: 'sig' };

const log = [];
const faults = [];

const clients = () => [
  {
    client_id: CLIENT,
    client_secret: SECRET,
    token_endpoint_auth_method: 'client_secret_post',
    grant_types: ['client_credentials', 'refresh_token', 'on_behalf_of'].map(wire),
    redirect_uris: [],
    response_types: [],
  },
  {
    client_id: CERTIFIED,
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'PS256',
    jwks: { keys: [jwk] },
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
  },
  {
    client_id: PUBLIC,
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token', 'password', 'device_code'].map(wire),
    redirect_uris: ['http://localhost', 'http://localhost/'],
    response_types: ['code'],
  },
];

function wire(name) {
  const names = {
    device_code: 'urn:ietf:params:oauth:grant-type:device_code',
    on_behalf_of: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
  };
  return names[name] ?? name;
}

/** The resource that the first full scope names; Entra takes it from there. */
function resourceOf(scope) {
  const full = (scope ?? '').split(' ').find((word) => word.includes('://'));
  return full?.slice(0, full.lastIndexOf('/'));
}

function scopesOf(resource) {
  const names = [...(RESOURCES[resource] ?? []), '.default'];
  return names.map((name) => `${resource}/${name}`).join(' ');
}

/** Scopes as they stand in a token: without the resource, which is its audience. */
function bare(scopes) {
  const names = (scopes ?? '').split(' ');
  return names.map((name) => name.slice(name.lastIndexOf('/') + 1)).join(' ');
}

function fullScopes() {
  return Object.keys(RESOURCES).map(scopesOf).join(' ').split(' ');
}

function accountOf(tenant, id) {
  const claims = () => ({ sub: id, oid: id, tid: tenant, preferred_username: NAME });
  return { accountId: id, claims };
}

async function grantOf(provider, clientId, accountId) {
  const grant = new provider.Grant({ clientId, accountId });
  grant.addOIDCScope(['openid', 'profile', 'offline_access', ...fullScopes()].join(' '));
  for (const resource of Object.keys(RESOURCES)) {
    grant.addResourceScope(resource, scopesOf(resource));
  }
  return grant.save();
}

function configuration(tenant) {
  return {
    clients: clients(),
    scopes: ['openid', 'offline_access', 'profile', ...fullScopes()],
    clientAuthMethods: ['client_secret_post', 'private_key_jwt', 'none'],
    enabledJWA: { clientAuthSigningAlgValues: ['PS256'] },
    claims: { openid: ['sub', 'oid', 'tid'], profile: ['preferred_username'] },
    conformIdTokenClaims: false,
    cookies: { keys: ['tests'] },
    routes: {
      authorization: '/oauth2/v2.0/authorize',
      token: '/oauth2/v2.0/token',
      device_authorization: '/oauth2/v2.0/devicecode',
      code_verification: '/oauth2/v2.0/deviceauth',
      jwks: '/discovery/v2.0/keys',
    },
    features: {
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: (ctx) => resourceOf(ctx.oidc.params.scope) ?? Object.keys(RESOURCES)[0],
        useGrantedResource: () => true,
        getResourceServerInfo: (ctx, resource) => {
          if (!RESOURCES[resource]) throw new errors.InvalidTarget();
          return {
            scope: scopesOf(resource),
            audience: resource,
            accessTokenTTL: 3600,
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: 'RS256' } },
          };
        },
      },
    },
    findAccount: (ctx, id) => accountOf(tenant, id),
    extraTokenClaims: (ctx, token) => ({
      tid: tenant,
      appid: token.clientId,
      uti: token.jti?.slice(0, 20),
      ...(token.accountId
        ? { oid: token.accountId, scp: bare(token.scope) }
        : { idtyp: 'app', roles: ROLES[token.clientId]?.[resourceOf(ctx.oidc.params.scope)] }),
      ...(ctx.oidc.body?.claims?.includes('xms_cc') ? { xms_cc: ['cp1'] } : {}),
    }),
    issueRefreshToken: (ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    ttl: { RefreshToken: 86400, DeviceCode: 900, AuthorizationCode: 60, Grant: 86400 },
    pkce: { required: () => true },
    interactions: { url: (ctx, { uid }) => `/${tenant}/interaction/${uid}` },
  };
}

/** Answers a grant that the server does not have with tokens it makes itself. */
async function answer(ctx, tenant, accountId) {
  const { provider, client, params } = ctx.oidc;
  const resource = resourceOf(params.scope) ?? Object.keys(RESOURCES)[0];
  const { resourceIndicators } = configuration(tenant).features;
  const info = resourceIndicators.getResourceServerInfo(ctx, resource);
  const { ResourceServer, AccessToken, RefreshToken, IdToken, Grant } = provider;
  const grant = await Grant.find(await grantOf(provider, client.clientId, accountId));
  const account = accountOf(tenant, accountId);
  ctx.oidc.entity('Client', client);
  ctx.oidc.entity('Account', account);
  ctx.oidc.entity('Grant', grant);
  const facts = { accountId, client, grantId: grant.jti, gty: 'extension', scope: params.scope };
  const token = new AccessToken(facts);
  token.resourceServer = new ResourceServer(resource, info);
  token.scope = scopesOf(resource);
  ctx.oidc.entity('AccessToken', token);
  const refresh = new RefreshToken({ ...facts, rotations: 0, resource });
  const id = new IdToken({ ...(await account.claims()) }, { ctx });
  id.scope = 'openid profile';
  ctx.body = {
    access_token: await token.save(),
    expires_in: token.expiration,
    token_type: 'Bearer',
    id_token: await id.issue({ use: 'idtoken' }),
    refresh_token: await refresh.save(),
    scope: params.scope,
  };
}

function provide(origin, tenant) {
  const provider = new Provider(`${origin}/${tenant}/v2.0`, configuration(tenant));
  provider.registerGrantType(
    'password',
    async (ctx) => {
      const { username, password } = ctx.oidc.params;
      if (username !== NAME || password !== PASSWORD) throw new errors.InvalidGrant('no');
      await answer(ctx, tenant, PERSON);
    },
    ['username', 'password', 'scope'],
  );
  provider.registerGrantType(
    wire('on_behalf_of'),
    async (ctx) => {
      const { assertion, requested_token_use: use } = ctx.oidc.params;
      const claims = JSON.parse(Buffer.from(assertion.split('.')[1], 'base64url'));
      if (use !== 'on_behalf_of' || claims.tid !== tenant) throw new errors.InvalidGrant('no');
      await answer(ctx, tenant, claims.oid);
    },
    ['assertion', 'requested_token_use', 'scope'],
  );
  provider.use(async (ctx, next) => {
    await next();
    if (ctx.path === '/oauth2/v2.0/token' && ctx.body?.access_token) {
      ctx.body = { ...ctx.body, ext_expires_in: ctx.body.expires_in, refresh_in: 1800 };
    }
  });
  provider.on('server_error', (ctx, error) => console.error(error));
  return provider;
}

function read(request) {
  return new Promise((resolve) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => resolve(Buffer.concat(chunks).toString()));
  });
}

function send(response, status, headers, body) {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

/** Signs the person in and consents, wherever a page would ask for it. */
async function interact(provider, request, response) {
  const { params } = await provider.interactionDetails(request, response);
  const grantId = await grantOf(provider, params.client_id, PERSON);
  const result = { login: { accountId: PERSON }, consent: { grantId } };
  return provider.interactionFinished(request, response, result);
}

/** A browser: goes where it is sent, with the cookies it is given. */
function browser(origin) {
  const jar = new Map();
  return async function visit(url, form) {
    const target = new URL(url, origin);
    const response = await fetch(target, {
      method: form ? 'POST' : 'GET',
      redirect: 'manual',
      headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') },
      body: form && new URLSearchParams(form),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [name, value] = cookie.split(';')[0].split(/=(.*)/s);
      jar.set(name, value);
    }
    const next = response.headers.get('location');
    if (!next) return response.text();
    // The application that is brought the answer may be gone.
    return visit(new URL(next, target)).catch((error) => error.message);
  };
}

/** Types a code into the real pages, with their cookies and hidden fields. */
async function approve(origin, { tenant, user_code: code }) {
  const visit = browser(origin);
  const page = `/${tenant}/oauth2/v2.0/deviceauth`;
  const hidden = (html) => /name="xsrf" value="([^"]+)"/.exec(html)?.[1];
  const first = await visit(page);
  const second = await visit(page, { xsrf: hidden(first), user_code: code });
  const last = await visit(page, { xsrf: hidden(second), user_code: code, confirm: 'yes' });
  return { page: last };
}

/** What the real one checks and the server does not: the certificate that a statement names. */
function names(form) {
  if (!form.client_assertion) return true;
  const header = JSON.parse(Buffer.from(form.client_assertion.split('.')[0], 'base64url'));
  return header['x5t#S256'] === thumbprint;
}

const server = createServer(async (request, response) => {
  const { origin } = server;
  const url = new URL(request.url, origin);
  if (url.pathname === '/control/log') return send(response, 200, {}, log);
  if (url.pathname.startsWith('/control/')) {
    const body = JSON.parse(await read(request));
    if (url.pathname === '/control/fault') faults.push(body);
    let done = {};
    if (url.pathname === '/control/approve') done = await approve(origin, body);
    if (url.pathname === '/control/browse') done = { page: await browser(origin)(body.url) };
    return send(response, 200, {}, done);
  }
  if (url.pathname.startsWith('/api/')) return send(response, 200, {}, { ok: true });
  const [, tenant, ...rest] = url.pathname.split('/');
  const provider = server.providers.get(tenant);
  if (!provider) {
    return send(response, 400, {}, { error: 'invalid_request', error_codes: [90002] });
  }
  const path = `/${rest.join('/')}`;
  if (path === '/oauth2/v2.0/token') {
    // Already read, so the provider takes it from here.
    request.body = Object.fromEntries(new URLSearchParams(await read(request)));
    log.push({ tenant, ...request.body });
    const fault = faults.shift();
    if (fault) return send(response, fault.status, fault.headers ?? {}, fault.body ?? '');
    if (!names(request.body)) return send(response, 401, {}, { error: 'invalid_client' });
  }
  // Entra gives refresh tokens without asking the person again.
  if (path.endsWith('/authorize')) url.searchParams.set('prompt', 'consent');
  if (rest[0] === 'interaction') return interact(provider, request, response);
  request.url = path.replace('/v2.0/.well-known', '/.well-known') + url.search;
  request.originalUrl = `/${tenant}${request.url}`;
  return provider.callback()(request, response);
});

server.listen(0, '127.0.0.1', () => {
  server.origin = `http://127.0.0.1:${server.address().port}`;
  server.providers = new Map(TENANTS.map((tenant) => [tenant, provide(server.origin, tenant)]));
  console.log(server.origin);
  // Nobody reads on, and the provider has remarks.
  console.log = console.error;
  console.info = console.error;
});
process.stdin.resume().on('end', () => process.exit(0));
