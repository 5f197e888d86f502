// Plays the part of Lambda: loads the handler's module as its Node runtime does, and invokes it with events of an HTTP
// API.

const { createServer } = require('node:http')

/** The handler, such as `app.handler`. */
const [file, name] = process.env.HANDLER.split('.')

async function main() {
  // The runtime tries a CommonJS module first, then an ES module.
  const { [name]: handler } = await import(`${process.cwd()}/${file}.js`).catch(
    () => import(`${process.cwd()}/${file}.mjs`),
  )
  const server = createServer(async (incoming, outgoing) => {
    const event = {
      version: '2.0',
      rawPath: incoming.url,
      headers: Object.fromEntries(Object.entries(incoming.headers).map(([header, value]) => [header, String(value)])),
      requestContext: {
        domainName: 'id.execute-api.eu-central-1.amazonaws.com',
        http: { method: incoming.method, path: incoming.url },
      },
    }
    const { statusCode, headers, body } = await handler(event, { awsRequestId: 'request' })
    outgoing.writeHead(statusCode, headers).end(body)
  })
  server.listen(Number(process.env.PORT), '127.0.0.1', () => console.log(`listening on ${server.address().port}`))
}

main()
