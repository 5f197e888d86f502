/** The last segment of each receiver's path. */
export const RECEIVER_PATHS = ['backchannel-logout', 'k_logout', 'k_push_not_before', 'events'] as const

export type ReceiverPath = (typeof RECEIVER_PATHS)[number]
