// Package facts reads facts out of a source's prose: since when an actor has
// been active, where it is said to come from and whom it works for, whom it is
// after and why, what law enforcement did about it, which other groups it is
// said to be or not to be; for tools, what sort they are and how an attacker
// comes by them. With these facts a profile's text can be composed without the
// source's sentences.
//
// Start with [Enrich]; everything else is how it works. A description is
// cleaned of Markdown (text.go), cut into sentences of tokens (token.go), and
// for each sentence it is decided whether the record is its subject
// (subject.go). Then each kind of fact has one file that looks for its
// patterns: active.go, origin.go, body.go, target.go, motive.go, law.go,
// relate.go, tool.go. The words are tables beside them.
//
// The rule of the package: a wrong fact is worse than a missing one. A sentence
// whose subject is not clearly the record itself says nothing; a negated or
// open statement ("has not been attributed") says nothing; victims are never
// origins, and languages ("Russian-speaking") no countries.
//
// Everything is pure, deterministic, and free of regular expressions, so the
// cost is linear in the length of the text.
package facts
