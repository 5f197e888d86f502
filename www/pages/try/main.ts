import { fill } from '../parts/dom.ts'
import { emptyState } from '../parts/notice.ts'
import { startPage } from '../parts/page.ts'

void startPage((place) => fill(place, emptyState('Nothing here yet', 'Soon.')))
