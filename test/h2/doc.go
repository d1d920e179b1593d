// Package h2 holds the running program to h2spec, the conformance tests of
// HTTP/2 (https://github.com/summerwind/h2spec, MIT licence): it must pass every
// case that net/http by itself passes.
package h2
