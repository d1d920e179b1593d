// Package conformance checks a running Dossier with the official Microsoft Graph
// SDK for Go. It is a module of its own, so that the SDK, which is large, is no
// dependency of Dossier:
//
//	go -C test/conformance test ./...
//
// The tests build the binary, fill a database with the embedded catalogue and a
// list of their own, and serve it on a free port. Where DOSSIER_URL is set, they
// ask that server instead; it must hold the same list (see indicatorList).
package conformance
