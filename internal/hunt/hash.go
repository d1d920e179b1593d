package hunt

import (
	"encoding/binary"
	"math/bits"
)

// The hashes here are fixed for ever, unlike those of hash/maphash: a saved matcher holds what they made.

// A space keeps keys of different sorts apart.
type space uint64

const (
	twoLabels space = 0x9e3779b97f4a7c15 // last two labels of a name, in the filter
	lastThree space = 0x8cb92ba72f3d8dd7 // last three of a name, or both if it has only two, in the filter
	dotted    space = 0x2545f4914f6cdd1d // IPv4 addresses as they are written, in the filter
	domains   space = 0xbf58476d1ce4e5b9 // names that match with all that is below them
	hosts     space = 0x94d049bb133111eb // hosts of URLs, e-mail addresses and ports
	addresses space = 0xd6e8feb86659fd93 // addresses of 4 or 16 bytes
	networks  space = 0xa0761d6478bd642f // networks: prefix length, then the address
	urls      space = 0xe7037ed1a0b428db
	emails    space = 0x8ebc6af09c88c6e3
	ports     space = 0x589965cc75374cc3 // addresses with a port
	digests   space = 0x1d8e4e27c47d124f // hashes, as bytes
)

// fold8 folds the case of eight bytes of a name at once: of the bytes that names are made of, only capitals change, and no two become equal
// that differ by more than case.
const fold8 = 0x2020202020202020

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// hashTail hashes the n bytes of b that end at end, folded as names are. It reads up to 15 bytes before them, so what is hashed must
// not stand at the very beginning of b; see [front].
func hashTail(sp space, b []byte, end, n int) uint64 {
	h := uint64(sp) ^ uint64(n)*0x2545f4914f6cdd1d
	for n > 16 {
		h = mix(h^(binary.LittleEndian.Uint64(b[end-8:])|fold8), 0x9fb21c651e98df25)
		end -= 8
		n -= 8
	}
	var x, y uint64
	if n > 8 {
		x = binary.LittleEndian.Uint64(b[end-8:]) | fold8
		y = (binary.LittleEndian.Uint64(b[end-16:]) | fold8) >> (8 * uint(16-n))
	} else {
		x = (binary.LittleEndian.Uint64(b[end-8:]) | fold8) >> (8 * uint(8-n) & 63)
	}
	h = mix(h^x, 0xe7037ed1a0b428db^y)
	return mix(h, 0x8ebc6af09c88c6e3)
}

// hashString is hashTail of a whole value.
func hashString(sp space, s []byte) uint64 {
	var stack [front + 256]byte
	b := append(stack[:front], s...)
	return hashTail(sp, b, len(b), len(s))
}

func hashIPv4(a uint32) uint64 { return mix(uint64(a)^uint64(addresses), 0x9fb21c651e98df25) }

// hashLast hashes the last 16 bytes of the n that end at end, and n. It is for the filter, where it need not tell all values apart, but takes the same few steps
// for each.
func hashLast(sp space, b []byte, end, n int) uint64 {
	b = b[end-16 : end]
	x := (binary.LittleEndian.Uint64(b[8:]) | fold8) >> (8 * uint(8-min(n, 8)) & 63)
	y := (binary.LittleEndian.Uint64(b) | fold8) >> (8 * uint(16-max(min(n, 16), 8))) // none is left of it if n is at most 8
	return mix(x^uint64(sp), y^uint64(n)*0xe7037ed1a0b428db)
}

// hashLastOf is hashLast of a whole value.
func hashLastOf(sp space, v []byte) uint64 {
	var b [16]byte
	copy(b[max(16-len(v), 0):], v[max(len(v)-16, 0):])
	return hashLast(sp, b[:], 16, len(v))
}

// hashPair gives 16 bits of the first two numbers of an IPv4 address, as they are written in the low n bytes of x.
func hashPair(x uint64, n int) uint32 {
	return uint32(x << (8 * uint(8-n) & 63) * 0x9fb21c651e98df25 >> 48)
}
