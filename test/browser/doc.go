// Package browser looks at the pages in a real browser: Debian's Chromium,
// headless, against the running program. Nothing but this machine is asked.
package browser
