// Package auth decides who is asking and what they may do.
//
// A [Guard] turns the credentials of a request into an [Identity]. An [Issuer]
// is this installation's own token service: clients with an id and a secret get
// short-lived tokens, signed with keys that live in the database, sealed by a
// key file beside it. [Clients] adds, lists and revokes clients.
//
// The rules:
//
//   - A token is accepted only if it was signed by one of our keys, with the one
//     algorithm that we use; keys named or carried by a token are never followed.
//   - A client is looked up at every request, so revoking it acts at once.
//   - Secrets are compared by their SHA-256 in constant time; they have 256
//     random bits, so a slow hash would add nothing.
//   - Nothing secret is in an error.
//
// Sources: RFC 6749 (4.4 client credentials, 5.2 errors), RFC 6750 (bearer
// tokens), RFC 7519 (JWT), RFC 8725 (JWT best practice), RFC 7517 (JWKS).
package auth
