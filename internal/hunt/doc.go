// Package hunt finds indicators in logs. [Compile] makes a [Matcher] of the indicators; a [Scanner] finds, line by line, which of them a
// text holds; [Run] does that for files and streams, on all cores. It knows no database and no network.
//
// # What a match is
//
// A log line is text with values in it. A value is looked at where it begins and ends as a whole:
//
//   - A name is a run of letters, digits, dots, hyphens and underscores; those at its end, and hyphens and underscores at its begin, may
//     be punctuation. It matches an indicator that is equal to it, or that it lies under ([Subdomain]). One before an "@" is no name.
//   - An IPv4 address is four numbers in such a run, alone or between hyphens and underscores; it also matches networks.
//   - An IPv6 address is what net/netip parses, in whatever spelling.
//   - A hash is a run of letters and digits, or of pairs of them joined by colons, or base64 with its padding.
//   - A URL stands around its host, with scheme or, for http and https, without. It ends where it can end: at the first character that no
//     URL has, and before punctuation. It also matches without its query. Where host and path stand in different fields of the line, they are
//     put together.
//   - An address with a port is written so, or the port is the next number behind the address in the line.
//
// The line is also looked at as it reads with JSON's escapes undone, percent-encoding undone, refanged, and with international names in
// Punycode; see readings.
//
// What is canonical is for package observable to say: what is not fast is compared in the form that it gives.
//
// # How it is fast
//
// 64 bytes become bit masks (AVX2 where there is, else a table). Adding the mask of dots to that of words leaves, by its carries, a bit behind each word with a
// dot. Shifts of the mask of dots dismiss numbers that end no address, a table of last labels most names. Of what is left, the last two labels, or the
// address as it is written, are hashed, the same few steps for each, and looked up in a Bloom filter, many at once so that the memory works in parallel. What
// passes is asked for three labels, so that co.uk is not looked up at each name, and then looked up exactly. What has escapes is undone without
// garbage, and scanned once more; only what has more than that is read by the slow way that is right for everything.
//
// A matcher is plain memory, which [Matcher.Save] writes and [Load] maps. It is immutable: to exchange it for another while it is used, keep it in
// an atomic.Pointer; scanners go on with the one that they have.
package hunt
