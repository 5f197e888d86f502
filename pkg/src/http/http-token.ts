/**
 * A token (RFC 9110 §5.6.2): a method, or the name of a header, cookie (RFC 6265 §4.1.1) or subprotocol (RFC 6455
 * §4.1).
 */
export const HTTP_TOKEN: RegExp = /^[!#$%&'*+.^_`|~\w-]+$/
