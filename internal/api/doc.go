// Package api answers HTTP: the part of Microsoft Graph that is under
// /security/threatIntelligence, for both of its versions, and Dossier's own
// resources under /api.
//
// Start with [New], which makes a [Server] of a store; all routes are in
// (*Server).routes. A request goes one way: [Server.ServeHTTP] splits the raw
// path into segments and finds the route in a tree, the handler parses the query
// options, asks the store once, and gives back an answer or an error; one
// function writes answers (answer.go) and one turns errors into them (errors.go).
// Nothing is written before the whole answer is there, so every failure has its
// proper status and the JSON envelope that Graph's clients need.
//
// Rules of the package:
//
//   - Graph paths never see a ServeMux: it redirects "//" and unescapes before it
//     splits, both of which break real clients.
//   - What Microsoft leaves open is decided in open.go, one constant or function
//     for each point.
//   - Profiles come from the store as ready bytes. They are taken apart only for
//     $select, $expand and another metadata level than minimal.
//   - /openapi.json and /reference are made from the tree of routes, the model and the
//     structs of bodies (openapi.go). What no code tells of a route stands in
//     operations.go, and tests hold it to what is answered.
//   - Memory is bounded: an answer by its page, which has at most [odata.MaxPage]
//     entities, or maxExpanded of them with $expand; all answers, requests and
//     connections together as connections.go says.
//
// What net/http refuses before a handler sees it has its plain text instead of
// the envelope, and closes the connection: 400 for requests that cannot be parsed
// (a target such as /v1.0/%zz among them), 431 for headers above
// [MaxHeaderBytes], 417, 501 and 505 for expectations, codings and versions that
// it does not know.
//
// A Server is safe for concurrent use.
package api
