// An origin that keeps its revocations in memory.

import { createOrigin } from 'portcullis/origin'
import { memoryStore } from 'portcullis/origin/memory'
import { serve } from 'portcullis/origin/node'

async function main() {
  const origin = await createOrigin({ store: memoryStore(), ...JSON.parse(process.env.ORIGIN_OPTIONS) })
  const { url } = await serve(origin, { port: Number(process.env.PORT) })
  console.log(`listening on ${new URL(url).port}`)
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
