/** The methods that routes use; any other string would be a client's choice. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']

export function knownMethod(method: string): string {
  return METHODS.includes(method) ? method : 'OTHER'
}
