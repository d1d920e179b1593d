// Command load measures a running Dossier under load, beside two servers of the
// same machine and the same run: a bare net/http handler that sends ready bytes,
// and a handler written by hand over SQLite for just these requests. Ratios
// count, absolute figures are those of the machine.
//
//	go run . -db FILE [-seconds 3] [-connections 32] [-cap cap]
//
// With -cap, after npm install in that folder, SAP CAP serves the same profiles
// too. FILE is a database of Dossier's. The program builds Dossier, serves the
// database, copies its profiles to the handler's own tables over the API, and
// prints requests a second and the 50th and 99th percentile of each request, in
// rounds that take turns. docs/performance.md has results.
package main
