// Exports that no other file of the package imports, each as `path name`.

/** Loaded by path: by a runtime, a bundler or another process. */
export const BY_PATH: readonly string[] = [
  'tests/bench/against/resolve-hooks.mjs initialize',
  'tests/bench/against/resolve-hooks.mjs resolve',
  'tests/bench/worker/requests.ts default',
  'tests/bench/worker/worker.ts default',
  'tests/browser/server/worker.ts default',
  'tests/keycloak/worker.ts default',
  'tests/matrix/apps/worker.js default',
  'tests/runtime/crowd-worker.ts default',
  'tests/runtime/origin-worker.ts default',
  'tests/runtime/provider-worker.ts default',
  'tests/runtime/store-worker.ts default',
  'tests/runtime/vm-gate.ts createGate',
  'tests/runtime/worker.ts default',
]

/** Values of the package and of the demo that only tests import. */
export const FOR_TESTS: readonly string[] = [
  'pkg/src/core/host-signatures.ts NoSignatures',
  'pkg/src/core/host-signatures.ts WebSignatures',
  'pkg/src/docs/tsdoc.ts boundsOf',
  'pkg/src/edge/feed/protocol.ts WIRE_MINOR',
  'pkg/src/edge/gates-by-env.ts MAX_OPEN_GATES',
  'pkg/src/edge/issuers/places.ts MAX_UNVERIFIED',
  'pkg/src/edge/issuers/places.ts MAX_VERIFIED',
  'pkg/src/http/allowed-origins.ts MAX_ORIGIN_CHARACTERS',
  'pkg/src/http/hosting-suffixes.ts HOSTING_SUFFIXES',
  'pkg/src/option-schema.ts schemaOf',
  'pkg/src/origin/connectors/keycloak/admin-actions.ts judgeLogoutAction',
  'pkg/src/origin/connectors/keycloak/admin-actions.ts judgePushAction',
  'pkg/src/origin/connectors/oidc/backchannel-logout.ts judgeLogoutToken',
  'pkg/src/origin/connectors/receiver-paths.ts RECEIVER_PATHS',
  'pkg/src/origin/core/event-forms.ts EVENT_FORMS',
  'pkg/src/origin/service/key-publisher.ts publicSet',
  'pkg/src/origin/service/token-revocation.ts MAX_WITHDRAWN_REVOCATIONS',
  'pkg/src/packaging/comments.ts withoutComments',
  'pkg/src/packaging/commonjs.ts toCommonJs',
  'pkg/src/timing/clock.ts CLOCK',
  'pkg/src/timing/clock.ts systemNowMs',
  'www/demo/child.ts freePort',
  'www/demo/edge.ts edgeBindings',
  'www/demo/settings.ts EDGE_PORT',
  'www/demo/worker.ts default',
  'www/demo/workerd.ts serveModules',
]
