// Package beta checks the /beta version of a running Dossier with the official
// Microsoft Graph SDK for Go of that version. It is a module of its own, for that SDK
// takes minutes to compile, and to vet:
//
//	go -C test/conformance-beta test -vet=off ./...
//
// The v1.0 SDK checks the rest: see test/conformance.
package beta
