package observable

import (
	"crypto/sha1"
	"encoding/hex"
)

// namespace is the UUID 6b1ff5a8-2f0c-4f0e-9d2b-5a4f6e6a7c31, chosen once. Identifiers rest on it for ever.
var namespace = [16]byte{0x6b, 0x1f, 0xf5, 0xa8, 0x2f, 0x0c, 0x4f, 0x0e, 0x9d, 0x2b, 0x5a, 0x4f, 0x6e, 0x6a, 0x7c, 0x31}

// ID returns the identifier of the observable: a UUID of version 5 (RFC 9562, 5.5) over the kind, a zero byte and the value, in lower
// case. It is the same in every installation.
func (o Observable) ID() string {
	var stack [256]byte
	b := append(stack[:0], namespace[:]...)
	b = append(b, o.Kind...)
	b = append(b, 0)
	b = append(b, o.Value...)
	sum := sha1.Sum(b)
	sum[6] = sum[6]&0x0f | 0x50
	sum[8] = sum[8]&0x3f | 0x80

	var u [36]byte
	hex.Encode(u[0:8], sum[0:4])
	hex.Encode(u[9:13], sum[4:6])
	hex.Encode(u[14:18], sum[6:8])
	hex.Encode(u[19:23], sum[8:10])
	hex.Encode(u[24:36], sum[10:16])
	u[8], u[13], u[18], u[23] = '-', '-', '-', '-'
	return string(u[:])
}
