package export

import (
	"crypto/sha1"
	"encoding/hex"
	"strings"
)

// namespace is the UUID 0d7a4c1e-93b5-4b1a-8a4e-2f6f0f5c9e11, chosen once.
var namespace = [16]byte{0x0d, 0x7a, 0x4c, 0x1e, 0x93, 0xb5, 0x4b, 0x1a, 0x8a, 0x4e, 0x2f, 0x6f, 0x0f, 0x5c, 0x9e, 0x11}

// uuid returns a UUID of version 5 over the parts.
func uuid(parts ...string) string { return uuidIn(namespace, []byte(strings.Join(parts, "\x00"))) }

// uuidIn returns the UUID of version 5 of a name in a namespace (RFC 9562, 5.5).
func uuidIn(namespace [16]byte, name []byte) string {
	h := sha1.New()
	h.Write(namespace[:])
	h.Write(name)
	sum := h.Sum(nil)
	sum[6] = sum[6]&0x0f | 0x50
	sum[8] = sum[8]&0x3f | 0x80
	return uuidText([16]byte(sum[:16]))
}

func uuidText(bits [16]byte) string {
	x := hex.EncodeToString(bits[:])
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
}
