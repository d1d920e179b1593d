// Package profile makes a profile of the records that belong together: it folds
// their claims by precedence into an [intel.Dossier] and writes the profile's
// texts from them.
//
// Start with [Fold]. Which records belong together is decided elsewhere; what
// else there is (techniques, tools, campaigns, other profiles, indicators) is
// asked of a [World]. Fold is a pure function of its arguments: the order of the
// members makes no difference, and the same arguments give the same bytes.
//
// # Precedence
//
// Members stand in one total order: rank of the publisher, then modified (newest
// first), then key, then publisher. Single values come from the first member that
// has one, collections from all of them in that order. Two fields have a rule of
// their own: the date of first activity is the best rung of the ladder of
// [intel.Basis], whoever states it, unless an analyst does; and countries of origin
// are those of the first member that states any in a field, with those read out of
// prose used only where no member has a field. Every other claim is kept in the
// dossier. A record that its publisher has revoked or deprecated gives names and
// references, and other values only where no member is live.
//
// # Texts
//
// The texts are written by this package from facts: summary (plain text, one line,
// at most [MaxSummary] characters), description and tradecraft (Markdown, lines
// ended by \r\n, at most [MaxDescription] and [MaxTradecraft] bytes). A source's
// own prose is quoted as such, as a passage with its author, never mixed in.
// Wording varies from profile to profile, chosen by the profile's id, so that it
// stays what it was as long as the facts do.
//
// Names, descriptions and links come from strangers. Whatever enters a text goes
// through plain, escape, inline or quote, which are the only ways in: no raw HTML, no
// images, no link but http and https, no line break from a name.
package profile
