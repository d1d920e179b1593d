// Package fetch gets bytes from servers that may be slow, broken or hostile.
//
// Start at [Client]: Do sends one request, with retries until there is an
// answer; Spool brings a whole body into a file, conditionally and with
// resumption. Everything is bounded: sizes, times, rates, redirects.
//
// The rules of the package:
//
//   - Only http and https are spoken. Private addresses are refused, unless
//     [Client.AllowPrivate] is set, on every hop and at the moment of connecting,
//     after the name was resolved; link-local ones are refused always.
//   - What a request carries beyond the harmless headers (keys, cookies) leaves
//     with no redirect to another origin.
//   - A body is unchanged if its SHA-256 is: a server's ETag and dates are only
//     a way to save the transfer, and are not believed for ever.
//   - Errors name the address without its query and without secrets.
package fetch
