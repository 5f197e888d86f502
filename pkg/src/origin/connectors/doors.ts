/** The doors of receivers, by the last part of their paths. */
export const DOORS = ['backchannel-logout', 'k_logout', 'k_push_not_before', 'events'] as const

export type Door = (typeof DOORS)[number]
