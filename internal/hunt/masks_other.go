//go:build !amd64

package hunt

var classify = classifyGo
