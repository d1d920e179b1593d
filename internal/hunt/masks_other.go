//go:build !amd64

package hunt

func classify(b []byte, out []masks) { classifyGo(b, out) }
