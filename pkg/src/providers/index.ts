// What portcullis/providers exports. Each provider is a file of its own, and none brings another along.

export type { Provider, ProviderFacts, ProviderRealm, ProviderTokens, Reach, Receiver } from './provider.ts'
export { auth0, type Auth0Options } from './auth0.ts'
export { authentik, type AuthentikOptions } from './authentik.ts'
export { cloudflareAccess, type CloudflareAccessOptions } from './cloudflare-access.ts'
export { discover, type DiscoverOptions } from './discover.ts'
export { entra, type EntraOptions } from './entra.ts'
export { firebase, type FirebaseOptions } from './firebase.ts'
export { keycloak, type KeycloakProviderOptions } from './keycloak.ts'
export { kubernetes, type KubernetesOptions } from './kubernetes.ts'
export { okta, type OktaOptions } from './okta.ts'
export { supabase, type SupabaseOptions } from './supabase.ts'
export { zitadel, type ZitadelOptions } from './zitadel.ts'
