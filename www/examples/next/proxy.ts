// Refuses requests without a valid token before they reach a page or a route.

import { protect } from 'portcullis/next'
import { gate } from './gate'

export const proxy = protect(gate)
export const config = { matcher: '/notes/:path*' }
