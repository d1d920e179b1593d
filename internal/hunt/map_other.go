//go:build !unix

package hunt

import (
	"os"
	"unsafe"
)

// mapFile reads a file.
func mapFile(f *os.File, size int64) (data []byte, release func(), err error) {
	words := make([]uint64, (size+7)/8) // so that it is aligned as a mapping is
	data = unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), size)
	_, err = f.ReadAt(data, 0)
	return data, func() {}, err
}
