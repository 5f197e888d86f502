/** The command line or the configuration is wrong; the message says how, and what would be right. */
export class UsageError extends Error {}

/** How a command went, for the shell. */
export const EXIT = { done: 0, failed: 1, usage: 2 } as const

export type CommandName = 'serve' | 'check' | 'keygen' | 'backup' | 'restore'

interface Help {
  summary: string
  usage: string
  text: string
}

const CONFIG_OPTION = '  --config FILE     the configuration; default: PORTCULLIS_CONFIG, else portcullis.json'

export const HELP: Readonly<Record<CommandName, Help>> = {
  serve: {
    summary: 'run an origin from a configuration file',
    usage: 'portcullis serve [--config FILE] [--port PORT] [--hostname ADDRESS]',
    text: `Runs an origin: it takes revocations and logouts, and publishes both to every edge. It prints JSON lines.
SIGTERM or SIGINT: takes nothing new, finishes what it has begun, and ends. A second one: ends at once.

${CONFIG_OPTION}
  --port PORT       where to listen; default: PORTCULLIS_PORT, else what the configuration says, else 8780
  --hostname ADDR   the address to bind; default: PORTCULLIS_HOSTNAME, else the configuration's, else 127.0.0.1

Also from the environment: PORTCULLIS_STORE (the store's file), PORTCULLIS_SIGNING_KEY (the key as JSON).

Example. After 'portcullis keygen', this portcullis.json serves one realm:

  {
    "store": { "path": "portcullis.db" },
    "signingKey": { "file": "feed-key.json" },
    "realms": [
      {
        "name": "acme",
        "issuer": "https://id.example.com/realms/acme",
        "audience": "api",
        "profile": "keycloak",
        "jwks": "https://id.example.com/realms/acme/protocol/openid-connect/certs"
      }
    ],
    "edges": [{ "name": "edge-1", "ackSecret": { "env": "EDGE_1_SECRET" } }]
  }

  $ EDGE_1_SECRET=… portcullis serve`,
  },
  check: {
    summary: 'say what is wrong with a configuration, without running it',
    usage: 'portcullis check [--config FILE]',
    text: `Reads the configuration with all its secrets and checks every option. Opens no store and no port.

${CONFIG_OPTION}

Example:

  $ portcullis check --config /etc/portcullis.json`,
  },
  keygen: {
    summary: 'make the key that signs the feed',
    usage: 'portcullis keygen [--out DIRECTORY]',
    text: `Writes feed-key.json (the origin's secret, readable by its owner only) and feed-key.public.json (for every
gate, in 'feed.keys'). Overwrites nothing.

  --out DIRECTORY   where to; default: here

Example:

  $ portcullis keygen --out /etc/portcullis`,
  },
  backup: {
    summary: 'copy the store while an origin runs',
    usage: 'portcullis backup [--config FILE] COPY',
    text: `Writes one consistent file, which must not exist yet. It holds all that the store holds: keep it as safe.

${CONFIG_OPTION}

Example:

  $ portcullis backup /var/backups/portcullis-monday.db`,
  },
  restore: {
    summary: 'put a backup in the place of the store',
    usage: 'portcullis restore [--config FILE] [--incarnation NUMBER] COPY',
    text: `Stop the origin first. The store begins a new incarnation, so that edges which have seen more follow it; the
old file is kept beside it. What was revoked after the backup was made is no longer revoked: see the last line it prints.

${CONFIG_OPTION}
  --incarnation N   the incarnation to begin; default: one more than the backup and the old file know of

Example:

  $ portcullis restore /var/backups/portcullis-monday.db`,
  },
}

export function helpOf(command: CommandName | undefined): string {
  if (command !== undefined) return `${HELP[command].usage}\n\n${HELP[command].text}\n`
  const commands = Object.entries(HELP).map(([name, { summary }]) => `  ${name.padEnd(10)}${summary}`)
  return `portcullis: JWT validation with instant revocation at the edge

Usage: portcullis COMMAND [options]

${commands.join('\n')}

  portcullis COMMAND --help   says more, with an example
  portcullis --version

The shortest way to a running origin:

  $ npx portcullis keygen
  $ npx portcullis serve --help      # shows a portcullis.json to begin with
  $ npx portcullis serve
`
}
