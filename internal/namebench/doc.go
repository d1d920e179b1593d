// Package namebench measures how well names are resolved: against known answers,
// against lists whose entries are never the same, and against links that people
// drew, which are hidden first. Start at [Run].
package namebench
