/** The methods that routes know; any other text is a client's. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']

export function knownMethod(method: string): string {
  return METHODS.includes(method) ? method : 'OTHER'
}
