// The public types of the edge, and those that it shares with the origin.

export type * from './types/access.ts'
export type * from './types/call.ts'
export type * from './types/cors.ts'
export type * from './types/gate-options.ts'
export type * from './types/gate.ts'
export type * from './types/jwk.ts'
export type * from './types/realm.ts'
export type * from './types/verdict.ts'
