import { exchange, type Exchanged, type ExchangeOptions } from './exchange.ts'

export type DownloadOptions = Omit<ExchangeOptions, 'method' | 'body' | 'readsBodyOf'>

/** GETs a URL as `exchange` does, and reads the body of status 200 only. */
export function download(url: URL, options: DownloadOptions): Promise<Exchanged> {
  return exchange(url, { ...options, readsBodyOf: (status) => status === 200 })
}
