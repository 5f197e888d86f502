export function askDirectory(): boolean {
  throw new Error('the directory is unreachable')
}
