import { exchange, type Exchanged, type ExchangeOptions } from './exchange.ts'

type DownloadOptions = Omit<ExchangeOptions, 'method' | 'body' | 'readsBodyOf'>

/** Fetches a URL by `exchange` with GET, and only reads the body of status 200. */
export function download(url: URL, options: DownloadOptions): Promise<Exchanged> {
  return exchange(url, { ...options, readsBodyOf: (status) => status === 200 })
}
