import { startOrigin } from '../www/demo/start-origin.ts'
import { startEdge } from '../www/demo/edge.ts'
import { openPlace } from './place.ts'
const place = await openPlace()
place.children.push(await startOrigin(place))
place.children.push(await startEdge(place))
console.log(JSON.stringify({ o: place.originPort, e: place.edgePort, folder: place.folder, pids: place.children.map((c) => c.pid) }))
process.once('SIGTERM', () => place.close().then(() => process.exit(0)))
setInterval(() => {}, 1e9)
