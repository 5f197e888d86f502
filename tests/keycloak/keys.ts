// Adds signing keys to a realm, makes them passive, disables and removes them, as its console does.

import type { Realm } from './realm.ts'

export interface RealmKey {
  /** Id of the key's component. */
  readonly id: string
  /** `active: false` makes the key passive: it no longer signs. `enabled: false` removes it from the key set. */
  change(state: { active?: boolean; enabled?: boolean }): Promise<void>
  remove(): Promise<void>
}

/** Adds a key. The key with the highest priority signs. */
export async function addKey(realm: Realm, algorithm: string, priority: number): Promise<RealmKey> {
  const { id: parentId } = await realm.read<{ id: string }>('')
  const component = {
    name: `${algorithm} ${priority}`,
    providerId: providerOf(algorithm),
    providerType: 'org.keycloak.keys.KeyProvider',
    parentId,
    config: { priority: [String(priority)], active: ['true'], enabled: ['true'], ...parametersOf(algorithm) },
  }
  const { headers } = await realm.change('POST', 'components', component)
  const id = headers.get('location')?.split('/').pop() ?? ''
  const config: Record<string, string[]> = component.config
  return {
    id,
    async change(state) {
      for (const [name, value] of Object.entries(state)) config[name] = [String(value)]
      await realm.change('PUT', `components/${id}`, { ...component, id, config })
    },
    async remove() {
      await realm.change('DELETE', `components/${id}`)
    },
  }
}

const CURVES: Record<string, string> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }

function providerOf(algorithm: string): string {
  if (algorithm === 'EdDSA') return 'eddsa-generated'
  return algorithm in CURVES ? 'ecdsa-generated' : 'rsa-generated'
}

function parametersOf(algorithm: string): Record<string, string[]> {
  const curve = CURVES[algorithm]
  if (curve !== undefined) return { ecdsaEllipticCurveKey: [curve] }
  return algorithm === 'EdDSA' ? { eddsaEllipticCurveKey: ['Ed25519'] } : { algorithm: [algorithm] }
}
