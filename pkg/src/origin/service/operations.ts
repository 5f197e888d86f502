import type { PortcullisError } from '../../errors.ts'
import type { Act, OfIssuer, OriginService, Recorded } from '../api.ts'
import type { Clock } from '../clock.ts'
import type { LedgerCore } from '../core/ledger.ts'
import type { IssuerClock } from '../gate/issuer-clock.ts'
import type { Measurements } from '../metrics/metrics.ts'
import type { Committer } from '../recording/committer.ts'
import {
  type ClientRevocation,
  type ClientRevocationOptions,
  type RefusedRequest,
  revokeForClient,
} from './client-revocation.ts'
import { type GlobalRevocation, revokeGlobally } from './global-revocation.ts'
import { type GrantsOptions, listGrants, type ListedGrant } from './grants.ts'
import { KeyAdministration, type KeyAdministrationOptions } from './key-administration.ts'
import { UnrecordedEnds } from './unrecorded-ends.ts'

interface OperationsOptions
  extends KeyAdministrationOptions,
    GrantsOptions,
    Omit<ClientRevocationOptions, 'unrecorded'> {
  service: OriginService
  committer: Committer
  clock: Clock
  issuerClocks: ReadonlyMap<string, IssuerClock>
  /** Throws `unknown_realm` or `closed`. */
  ledger: (realm: string) => LedgerCore
}

/** Queries and acts that only the origin's own routes use, for operators and edges. */
export interface Operations {
  keys: KeyAdministration
  /** Lists the clients of a user; see `listGrants`. */
  grants(realm: string, sub: string, of?: OfIssuer): Promise<ListedGrant[] | undefined>
  /** Revokes a token for a client (RFC 7009); see `revokeForClient`. */
  revokeForClient(revocation: ClientRevocation, act: Act): Promise<Recorded | RefusedRequest>
  /** Revokes all tokens of users for a caller of Global Token Revocation; see `revokeGlobally`. */
  revokeGlobally(revocation: GlobalRevocation, act: Act): Promise<Recorded>
  /** Returns why nothing can be recorded; `undefined` if it can. */
  failure(): Promise<PortcullisError | undefined>
  /** Looks up keys that the issuer has begun to use; see `KeyPublisher.look`. */
  lookForKeys(realm: string): Promise<'recorded' | 'too_many'>
  /** Throws `closed`. */
  measurements(): Measurements
}

export function createOperations(options: OperationsOptions): Operations {
  const { service, committer, clock, issuerClocks, keyPublisher, ledger } = options
  const unrecorded = new UnrecordedEnds()
  return {
    keys: new KeyAdministration(options),
    grants: (realm, sub, of) => listGrants(options, realm, sub, of),
    revokeForClient: (revocation, act) => revokeForClient({ ...options, unrecorded }, revocation, act),
    revokeGlobally: (revocation, act) => revokeGlobally(options.recorder, revocation, act),
    failure: () => committer.failure(),
    lookForKeys: (realm) => keyPublisher.look(realm),
    measurements: () => ({
      now: clock(),
      realms: service.status().map(({ realm, sequence, edges }) => ({
        realm,
        sequence,
        edges,
        stats: ledger(realm).stats(),
        issuerLeadSeconds: issuerClocks.get(realm)?.leadSeconds ?? 0,
      })),
    }),
  }
}
