// Command load measures a running Dossier under load, beside other servers of the
// same machine and the same run: a bare net/http handler that sends ready bytes, a
// handler written by hand over SQLite for just these requests, and SAP CAP. Ratios
// count, absolute figures are those of the machine.
//
//	go run . -db FILE [-seconds 1] [-rounds 7] [-connections 32] [-cap cap] [-only PART]
//
// With -cap, after npm install in that folder, SAP CAP serves the same profiles
// too. FILE is a database of Dossier's. The program builds Dossier, serves the
// database, copies its profiles to the others over the API, and then asks them the
// same things in short slices that take turns, in another order each time. It
// prints the medians: requests a second, the 50th and 99th percentile, and the
// processor time that the server took for each request, which other programs of
// the machine disturb least. The last column tells how large the answers are.
//
// The load comes from wrk if it is installed, else, or with -own, from net/http,
// which takes as much of the processors as the servers do. Requests with "first
// time" in their name differ in a number, over all rounds, so that Dossier
// remembers none of the answers. docs/performance.md has results.
package main
